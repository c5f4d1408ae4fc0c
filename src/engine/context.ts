import type { EvaluationContext } from "./flag.ts";

type PropertyValue = string | number | boolean | Array<string | number | boolean>;

/** A user as Amplitude's SDKs take it; every field may be a condition's subject. */
export interface ExperimentUser {
  user_id?: string;
  device_id?: string;
  country?: string;
  city?: string;
  region?: string;
  dma?: string;
  language?: string;
  platform?: string;
  version?: string;
  os?: string;
  device_manufacturer?: string;
  device_brand?: string;
  device_model?: string;
  carrier?: string;
  library?: string;
  ip_address?: string;
  user_properties?: Record<string, PropertyValue>;
  /** Names by group type; only the first name of a type counts. */
  groups?: Record<string, string[]>;
  /** Properties by group type and group name. */
  group_properties?: Record<string, Record<string, Record<string, PropertyValue>>>;
  cohort_ids?: string[];
  group_cohort_ids?: Record<string, Record<string, string[]>>;
}

function ownMember(object: unknown, key: string): unknown {
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, key))
    return undefined;
  return (object as Record<string, unknown>)[key];
}

function hasMembers(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/**
 * A user as evaluation context, as the Amplitude Node SDK maps it: `user` holds every field but
 * the groups'; `groups[type]` holds the first group's `group_name`, `group_properties` and
 * `cohort_ids`. The user is not written to.
 */
export function toContext(user: ExperimentUser | undefined | null): EvaluationContext {
  const context: EvaluationContext = {};
  if (!user) return context;
  const { groups, group_properties, group_cohort_ids, ...fields } = user;
  if (Object.keys(fields).length > 0) context.user = fields;
  if (!groups) return context;
  const entries: [string, Record<string, unknown>][] = [];
  for (const type of Object.keys(groups)) {
    const name = groups[type]?.[0];
    if (!name) continue;
    const group: Record<string, unknown> = { group_name: name };
    const properties = ownMember(ownMember(group_properties, type), name);
    if (hasMembers(properties)) group.group_properties = properties;
    const cohorts = ownMember(ownMember(group_cohort_ids, type), name);
    if (hasMembers(cohorts)) group.cohort_ids = cohorts;
    entries.push([type, group]);
  }
  if (entries.length > 0) context.groups = Object.fromEntries(entries);
  return context;
}
