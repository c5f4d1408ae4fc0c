import type { ExperimentUser } from "../engine/index.ts";
import { describe, InputError } from "../sdk/input-error.ts";
import { isRecord } from "../sdk/record.ts";

type Check = (value: unknown, path: string, fail: Fail) => void;
type Fail = (path: string, expected: string, value: unknown) => never;

function step(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

const texts: Check = (value, path, fail) => {
  if (!Array.isArray(value)) return fail(path, "a list of texts", value);
  value.forEach((item, index) => {
    if (typeof item !== "string") fail(`${path}[${index}]`, "a text", item);
  });
};

function objectOf(check: Check): Check {
  return (value, path, fail) => {
    if (!isRecord(value)) return fail(path, "an object", value);
    for (const [key, item] of Object.entries(value)) check(item, step(path, key), fail);
  };
}

const anything: Check = () => {};

// A number is allowed as an id: bucketing turns it into text as the server SDKs do.
const id: Check = (value, path, fail) => {
  if (typeof value !== "string" && typeof value !== "number") fail(path, "a text", value);
};

const checks: Record<string, Check> = {
  user_id: id,
  device_id: id,
  user_properties: objectOf(anything),
  groups: objectOf(texts),
  group_properties: objectOf(objectOf(objectOf(anything))),
  cohort_ids: texts,
  group_cohort_ids: objectOf(objectOf(texts)),
};

/**
 * Checks that a parsed value can be evaluated as a user. Fields the API does not know are kept,
 * and null counts as absent: the Python SDK sends every missing field as null.
 *
 * @param place - file, and line if the value has a line of its own
 * @param path - where in the document the value is
 */
export function asUser(value: unknown, place: string, path = ""): ExperimentUser {
  const fail: Fail = (at, expected, got) => {
    throw new InputError(place, at, expected, describe(got));
  };
  if (!isRecord(value)) return fail(path, "a user object", value);
  for (const [key, check] of Object.entries(checks)) {
    const field = Object.hasOwn(value, key) ? value[key] : undefined;
    if (field !== undefined && field !== null) check(field, step(path, key), fail);
  }
  return value as ExperimentUser;
}

/** What a user is called in the output: the user id, else the device id, else the position. */
export function nameOf(user: ExperimentUser, position: number): string {
  return String(user.user_id ?? user.device_id ?? `#${position}`);
}
