// One event for each flag that a user is exposed to, as Amplitude's Node SDK makes it.

import type { EvaluationVariant } from "../engine/index.ts";
import type { AnalyticsEvent } from "./analytics.ts";
import { hashCodeBefore, type Results } from "./canonical.ts";
import { dayOf, type Evaluation, MUTUAL_EXCLUSION_GROUP } from "./evaluation.ts";

/** The events of an evaluation; none for default variants and flags that are not tracked. */
export function exposureEvents({ user, results, canonical, timestamp }: Evaluation) {
  const hashOf = hashCodeBefore(` ${canonical}`);
  const { user_id, device_id, groups } = user;
  return exposedFlags(results).map((flagKey): AnalyticsEvent => {
    const variant = results[flagKey];
    const event: AnalyticsEvent = {
      event_type: "[Experiment] Exposure",
      user_id,
      device_id,
      event_properties: eventPropertiesOf(flagKey, variant),
      user_properties: { $set: userPropertiesOf(flagKey, variant), $unset: {} },
      insert_id: `${user_id} ${device_id} ${hashOf(flagKey)} ${dayOf(timestamp)}`,
    };
    if (groups) event.groups = groups;
    return event;
  });
}

/** How many events an evaluation has. */
export function countExposures({ results }: Evaluation): number {
  return exposedFlags(results).length;
}

function exposedFlags(results: Results): string[] {
  return Object.keys(results).filter((flagKey) => {
    const { metadata } = results[flagKey];
    return (metadata?.trackExposure ?? true) && !metadata?.default;
  });
}

function nameOf({ key, value }: EvaluationVariant): unknown {
  return key || value || undefined;
}

function userPropertiesOf(flagKey: string, variant: EvaluationVariant): Record<string, unknown> {
  const name = nameOf(variant);
  if (!name || variant.metadata?.flagType === MUTUAL_EXCLUSION_GROUP) return {};
  return { [`[Experiment] ${flagKey}`]: name };
}

function eventPropertiesOf(flagKey: string, variant: EvaluationVariant): Record<string, unknown> {
  const { metadata } = variant;
  const properties: Record<string, unknown> = { "[Experiment] Flag Key": flagKey };
  const name = nameOf(variant);
  if (name) properties["[Experiment] Variant"] = name;
  const experimentKey = metadata?.experimentKey;
  if (experimentKey) properties["[Experiment] Experiment Key"] = experimentKey;
  if (metadata) properties.metadata = metadata;
  return properties;
}
