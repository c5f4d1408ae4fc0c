// Which flags a request asks for.

import { decodeBase64 } from "./base64.ts";
import type { Limits } from "./limits.ts";
import { Problem } from "./problem.ts";

const FLAG_KEYS_HEADER = "X-Amp-Exp-Flag-Keys";
const FLAG_KEYS_QUERIES = ["flag_keys", "flag_key"];

/**
 * The flag keys of a request: of the header `X-Amp-Exp-Flag-Keys`, a JSON list in base64 or
 * base64url, or else of the queries `flag_keys` and `flag_key`, separated by commas. Undefined =
 * all flags, also for an empty list.
 *
 * @throws {@link Problem} 400
 */
export function flagKeysOf(
  headers: Headers,
  query: URLSearchParams,
  limits: Limits,
): string[] | undefined {
  const header = headers.get(FLAG_KEYS_HEADER);
  const asked = FLAG_KEYS_QUERIES.flatMap((name) => query.getAll(name));
  const keys =
    header === null
      ? asked.flatMap((list) => list.split(",")).filter((key) => key !== "")
      : keysOfHeader(header);
  if (keys.length > limits.flagKeys) {
    throw invalid("flag keys", `expected at most ${limits.flagKeys}, got ${keys.length}`);
  }
  return keys.length === 0 ? undefined : keys;
}

function keysOfHeader(header: string): string[] {
  const path = `header ${FLAG_KEYS_HEADER}`;
  try {
    const keys: unknown = JSON.parse(decodeBase64(header.trim()) ?? "");
    if (Array.isArray(keys) && keys.every((key) => typeof key === "string")) return keys;
  } catch {
    // Answered below.
  }
  throw invalid(path, "expected base64 of a JSON list of texts, got something else");
}

function invalid(path: string, reason: string): Problem {
  return Problem.json(400, { code: "invalid-flag-keys", message: `${path}: ${reason}`, path });
}

/** What flags and variants say of themselves. */
type Metadata = Readonly<Record<string, unknown>> | undefined;

/** What `eval_mode` and `delivery_method` let through; undefined = everything. */
export function filterOf(query: URLSearchParams): ((metadata: Metadata) => boolean) | undefined {
  const mode = query.get("eval_mode");
  const delivery = query.get("delivery_method");
  if (mode === null && delivery === null) return undefined;
  return (metadata) =>
    (mode === null || (metadata?.evaluationMode ?? mode) === mode) &&
    (delivery === null || (metadata?.deliveryMethod ?? "feature") === delivery);
}
