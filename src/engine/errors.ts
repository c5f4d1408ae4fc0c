/** Why a config cannot be loaded at all. */
export type ConfigErrorCode = "invalid-config" | "too-large" | "invalid-image" | "image-version";

/** A config or an image that cannot be loaded; thrown by `Engine.load` and `engine.update`. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  /** Where in the input, e.g. `flags[3].segments`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;

  constructor(code: ConfigErrorCode, path: string, expected: string, got: string) {
    super(`${path}: expected ${expected}, got ${got}`);
    this.code = code;
    this.path = path;
    this.expected = expected;
    this.got = got;
  }
}

/** A user whose texts do not fit into memory; thrown by the evaluating methods. */
export class ContextError extends Error {
  override readonly name = "ContextError";
  readonly code = "too-large";
}

/** Why the core cannot be used. */
export type CoreErrorCode =
  | "layout-version"
  | "wrong-module"
  | "unavailable"
  | "trap"
  | "no-seat"
  | "not-shared"
  | "not-owner";

/**
 * The core cannot be used: its layout is another one, the build that was asked for is not to be had
 * in this runtime, it trapped twice on one call, too many
 * evaluate at a time, the engine is not shared, or it is attached where the owner is expected.
 */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly code: CoreErrorCode;

  constructor(code: CoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Members that cannot be a cohort; thrown by `engine.setCohort`, the old cohort stays. */
export class CohortError extends Error {
  override readonly name = "CohortError";
  readonly code: "invalid-cohort" | "too-large";

  constructor(
    code: "invalid-cohort" | "too-large",
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
  }
}

/** What is wrong with a flag, so that it does not evaluate, or evaluates as the message says. */
export interface EngineWarning {
  code:
    | "malformed-flag"
    | "invalid-regex"
    | "dependency-cycle"
    | "unknown-operator"
    | "non-string-value"
    | "duplicate-flag"
    | "unknown-cohort";
  flagKey?: string;
  /** Where in the input, e.g. `flags["checkout"].segments[0].conditions[0][1].values[2]`. */
  path: string;
  message: string;
}

/** A short description of a value for "expected X, got Y"; never the whole value. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (typeof value === "string") {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "object") return "an object";
  return typeof value;
}
