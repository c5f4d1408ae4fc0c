// One event for all flags of an evaluation, as Amplitude's Node SDK makes it.

import type { AnalyticsEvent } from "./analytics.ts";
import { hashCode } from "./canonical.ts";
import { dayOf, type Evaluation, MUTUAL_EXCLUSION_GROUP } from "./evaluation.ts";

/** The event of an evaluation. */
export function assignmentEvent(evaluation: Evaluation): AnalyticsEvent {
  const { user, results, canonical, timestamp } = evaluation;
  const { user_id, device_id, properties: evaluated } = user;
  const properties: Record<string, unknown> = {};
  const set: Record<string, unknown> = {};
  const unset: Record<string, unknown> = {};
  for (const [flagKey, { key, metadata }] of Object.entries(results)) {
    if (!key) continue;
    properties[`${flagKey}.variant`] = key;
    if (metadata?.flagVersion && metadata.segmentName) {
      properties[`${flagKey}.details`] = `v${metadata.flagVersion} rule:${metadata.segmentName}`;
    }
    if (metadata?.flagType === MUTUAL_EXCLUSION_GROUP) continue;
    if (metadata?.default) unset[`[Experiment] ${flagKey}`] = "-";
    else set[`[Experiment] ${flagKey}`] = key;
  }
  const event: AnalyticsEvent = {
    event_type: "[Experiment] Assignment",
    user_id,
    device_id,
    event_properties: properties,
    user_properties: { $set: set, $unset: unset },
    insert_id: `${user_id} ${device_id} ${hashCode(canonical)} ${dayOf(timestamp)}`,
  };
  if (!evaluated) return event;
  const { user_properties, ...fields } = evaluated;
  return {
    ...fields,
    ...event,
    user_properties: { ...user_properties, ...event.user_properties },
  };
}
