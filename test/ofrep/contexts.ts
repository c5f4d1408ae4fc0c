// Random evaluation contexts of OpenFeature, and the users that they mean.
import type { ExperimentUser } from "halyard/engine";
import { type Random, randomContext } from "../random.ts";

type Json = Record<string, unknown>;

export interface Meant {
  context: Json;
  user: ExperimentUser;
}

/** What JSON makes of a value. */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value, (_, it) => (typeof it === "bigint" ? `${it}` : it));
  return text === undefined ? undefined : JSON.parse(text);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const withoutNulls = (members: Json): Json =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));

/** The ids of a user by one of the names that they may have. */
function namedIds(random: Random, { user_id, device_id }: Json): Json {
  const ids: Json = {};
  if (user_id !== undefined) {
    const isKey = typeof user_id === "string" && user_id !== "";
    ids[random.pick(isKey ? ["targetingKey", "user_id", "userId"] : ["user_id", "userId"])] =
      user_id;
    if (!("targetingKey" in ids) && random.chance(0.3)) ids.targetingKey = "somebody else";
  }
  if (device_id !== undefined) ids[random.pick(["device_id", "deviceId"])] = device_id;
  return ids;
}

/** Properties, some of them at the top of the context. */
function spread(random: Random, properties: Json): Json {
  const inside: Json = {};
  const context: Json = {};
  for (const [name, value] of Object.entries(properties)) {
    const isField = name === "version";
    if (isField || value === null || random.chance(0.5)) inside[name] = value;
    else context[name] = value;
    // The explicit ones win.
    if (name in inside && !isField && random.chance(0.2)) context[name] = "not this one";
  }
  return { ...context, user_properties: inside };
}

function groupsOf(random: Random, drawn: Json): { context: Json; user: ExperimentUser } {
  const user: Required<Pick<ExperimentUser, "groups" | "group_properties" | "group_cohort_ids">> = {
    groups: {},
    group_properties: {},
    group_cohort_ids: {},
  };
  const context: Json = {};
  for (const [type, group] of Object.entries(drawn)) {
    if (!isObject(group) || typeof group.group_name !== "string") continue;
    const name = group.group_name;
    user.groups[type] = [name];
    context[type] = random.chance(0.5) ? name : [name, "another"];
    user.group_properties[type] = { [name]: group.group_properties as Record<string, string> };
    user.group_cohort_ids[type] = { [name]: group.cohort_ids as string[] };
  }
  const { group_properties, group_cohort_ids } = user;
  return { context: { groups: context, group_properties, group_cohort_ids }, user };
}

/** Undefined where what was drawn is no user. */
export function randomMeant(random: Random): Meant | undefined {
  const drawn = asJson(randomContext(random));
  if (!isObject(drawn) || !isObject(drawn.user)) return undefined;
  const { user_properties, ...fields } = withoutNulls(drawn.user);
  const { user_id, device_id, ...others } = fields;
  const properties = isObject(user_properties) ? user_properties : undefined;
  const groups = isObject(drawn.groups) ? groupsOf(random, drawn.groups) : undefined;
  const context: Json = {
    ...others,
    ...namedIds(random, fields),
    ...(properties && spread(random, properties)),
    ...groups?.context,
  };
  const user = { ...fields, ...(properties && { user_properties: properties }), ...groups?.user };
  return { context, user: user as ExperimentUser };
}
