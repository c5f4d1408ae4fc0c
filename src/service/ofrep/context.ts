// From an evaluation context of OpenFeature to a user. Rules: docs/ofrep.md.

import type { ExperimentUser } from "../../engine/index.ts";
import { isRecord } from "../../sdk/record.ts";
import { isDeeper, type Limits, readBody } from "../limits.ts";
import { OfrepFailure } from "./failure.ts";

type Json = Record<string, unknown>;

const FIELDS: ReadonlySet<string> = new Set<keyof ExperimentUser>([
  ...(["country", "city", "region", "dma", "language", "platform", "version", "os"] as const),
  ...(["device_manufacturer", "device_brand", "device_model", "carrier", "library"] as const),
  ...(["ip_address", "group_properties", "cohort_ids", "group_cohort_ids"] as const),
]);
/** Not taken over by their names. */
const HANDLED: ReadonlySet<string> = new Set([
  ...["targetingKey", "user_id", "userId", "device_id", "deviceId"],
  ...["user_properties", "groups"],
]);

/**
 * The user of a request for evaluations.
 *
 * @throws {@link OfrepFailure} 400, `Problem` 400 or 413
 */
export async function userOfRequest(request: Request, limits: Limits): Promise<ExperimentUser> {
  const text = await readBody(request, limits.bodyBytes);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // The error of JSON.parse repeats the text, in which the user is.
    throw new OfrepFailure(400, "PARSE_ERROR", "body: expected JSON, got something else");
  }
  if (!isRecord(body)) {
    throw new OfrepFailure(400, "PARSE_ERROR", "body: expected an object, got another value");
  }
  return userOfContext(body.context ?? {}, limits);
}

function userOfContext(context: unknown, limits: Limits): ExperimentUser {
  if (!isRecord(context)) throw invalid("context", "expected an object, got another value");
  if (isDeeper(context, limits.userDepth)) {
    throw invalid("context", `expected at most ${limits.userDepth} levels, got more`);
  }
  const members = Object.entries(context).filter(
    ([name, value]) => value !== null && !HANDLED.has(name),
  );
  const others = members.filter(([name]) => !FIELDS.has(name));
  const user: Json = Object.fromEntries(members.filter(([name]) => FIELDS.has(name)));
  const userId = context.user_id ?? context.userId ?? targetingKeyOf(context);
  if (userId !== undefined) user.user_id = userId;
  const deviceId = context.device_id ?? context.deviceId ?? undefined;
  if (deviceId !== undefined) user.device_id = deviceId;
  const properties = objectOf(context, "user_properties");
  if (properties || others.length > 0) {
    user.user_properties = { ...Object.fromEntries(others), ...properties };
  }
  const groups = objectOf(context, "groups");
  if (groups) user.groups = Object.fromEntries(Object.entries(groups).map(groupNamesOf));
  return user as ExperimentUser;
}

/** Absent if it is empty: that is how SDKs send none. */
function targetingKeyOf({ targetingKey }: Json): string | undefined {
  if (targetingKey === undefined || targetingKey === null) return undefined;
  if (typeof targetingKey === "string") return targetingKey || undefined;
  throw invalid("context.targetingKey", "expected a text, got another value");
}

function objectOf(context: Json, name: string): Json | undefined {
  const value = context[name] ?? undefined;
  if (value === undefined || isRecord(value)) return value;
  throw invalid(`context.${name}`, "expected an object, got another value");
}

function groupNamesOf([type, names]: [string, unknown]): [string, string[]] {
  if (typeof names === "string") return [type, [names]];
  const isList = Array.isArray(names) && names.every((name) => typeof name === "string");
  if (isList) return [type, names];
  throw invalid("context.groups", "expected texts or lists of texts, got another value");
}

function invalid(path: string, reason: string): OfrepFailure {
  return new OfrepFailure(400, "INVALID_CONTEXT", `${path}: ${reason}`);
}
