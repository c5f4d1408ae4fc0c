// The user of a request, wherever Amplitude's SDKs and APIs put it.

import type { ExperimentUser } from "../engine/index.ts";
import { isRecord } from "../sdk/record.ts";
import { decodeBase64 } from "./base64.ts";
import { isDeeper, type Limits, readBody } from "./limits.ts";
import { Problem } from "./problem.ts";

const USER_HEADER = "X-Amp-Exp-User";

/**
 * The user of a GET: of the header `X-Amp-Exp-User` in base64 or base64url, or else of the query:
 * `context` as JSON, and `user_id` and `device_id`, which go before its own. Without any of them
 * a user without properties.
 *
 * @throws {@link Problem} 400
 */
export function userOfQuery(request: Request, query: URLSearchParams, limits: Limits) {
  const header = request.headers.get(USER_HEADER);
  if (header !== null) return userOfHeader(header, limits);
  const context = query.get("context");
  const user = context === null ? {} : parseUser(context, "query context", limits);
  for (const name of ["user_id", "device_id"] as const) {
    const id = query.get(name);
    if (id !== null) user[name] = id;
  }
  return user;
}

function userOfHeader(header: string, limits: Limits): ExperimentUser {
  const path = `header ${USER_HEADER}`;
  const text = decodeBase64(header.trim());
  if (text === undefined) throw invalid(path, "expected base64 of UTF-8, got something else");
  return parseUser(text, path, limits);
}

/**
 * The user of a POST: its body, as JSON.
 *
 * @throws {@link Problem} 400, 413
 */
export async function userOfBody(request: Request, limits: Limits): Promise<ExperimentUser> {
  return parseUser(await readBody(request, limits.bodyBytes), "body", limits);
}

/**
 * A user from JSON; members that are null are absent, as Amplitude's Python SDK sends them.
 *
 * @throws {@link Problem} 400
 */
function parseUser(text: string, path: string, limits: Limits): ExperimentUser {
  let user: unknown;
  try {
    user = JSON.parse(text);
  } catch {
    // The error of JSON.parse repeats the text, in which the user is.
    throw invalid(path, "expected JSON, got something else");
  }
  if (!isRecord(user)) {
    throw invalid(path, "expected a user object, got another value");
  }
  if (isDeeper(user, limits.userDepth)) {
    throw invalid(path, `expected at most ${limits.userDepth} levels, got more`);
  }
  const given = Object.entries(user).filter(([, value]) => value !== null);
  const present = Object.fromEntries(given) as ExperimentUser;
  if (!Object.values(present.groups ?? {}).every(hasName)) {
    throw invalid(`${path}.groups`, "expected names, got objects that have no text");
  }
  return present;
}

/** What is known of a group is found by the text of its name. */
function hasName(names: unknown): boolean {
  try {
    String((names as unknown[] | null)?.[0]);
    return true;
  } catch {
    return false;
  }
}

function invalid(path: string, reason: string): Problem {
  return Problem.json(400, { code: "invalid-user", message: `${path}: ${reason}`, path });
}
