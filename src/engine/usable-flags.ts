// The flags of a config that can be compiled, and what is wrong with the others.

import { FLAG_COUNT_MAX } from "../../assembly/layout.ts";
import { problemOf } from "./check.ts";
import { ConfigError, describe, type EngineWarning } from "./errors.ts";
import type { EvaluationFlag } from "./flag.ts";
import { parentIndexes, type Warn } from "./flag-compiler.ts";
import { findCycles } from "./order.ts";

/** What a config may be given as, besides an image. */
export type Flags = readonly EvaluationFlag[] | Readonly<Record<string, EvaluationFlag>>;

/** The path of a flag in messages, by key: an array's index means little in a large config. */
function pathOf(key: string): string {
  return `flags[${JSON.stringify(key)}]`;
}

/** Collects warnings about flags. */
export function warnInto(warnings: EngineWarning[]): Warn {
  return (code, flagKey, path, message) =>
    warnings.push({ code, flagKey, path: pathOf(flagKey) + path, message });
}

/**
 * By key, in the order in which an object lists them; the others are left out with a warning.
 *
 * @throws {@link ConfigError} if `flags` is neither an array nor a record, or has too many
 */
export function usableFlags(
  flags: Flags,
  warnings: EngineWarning[],
): ReadonlyMap<string, EvaluationFlag> {
  const usable = withoutCycles(new Map(entriesOf(flags, warnings)), warnInto(warnings));
  if (usable.size <= FLAG_COUNT_MAX) return usable;
  throw new ConfigError("too-large", "flags", `at most ${FLAG_COUNT_MAX} flags`, `${usable.size}`);
}

function entriesOf(flags: Flags, warnings: EngineWarning[]): [string, EvaluationFlag][] {
  if (typeof flags !== "object" || flags === null || ArrayBuffer.isView(flags)) {
    throw new ConfigError(
      "invalid-config",
      "flags",
      "an array or a record of flags",
      describe(flags),
    );
  }
  const isList = Array.isArray(flags);
  const byKey: Record<string, EvaluationFlag> = Object.create(null);
  for (const name of Object.keys(flags)) {
    const flag = (flags as Record<string, EvaluationFlag>)[name];
    const place = () => (isList ? `flags[${name}]` : pathOf(name));
    const key: unknown = flag?.key;
    if (typeof key !== "string") {
      const isObject = typeof flag === "object" && flag !== null;
      const path = isObject ? `${place()}.key` : place();
      const expected = isObject ? "a string" : "an object";
      const message = `expected ${expected}, got ${describe(isObject ? key : flag)}`;
      warnings.push({ code: "malformed-flag", path, message });
      continue;
    }
    if (key in byKey) {
      const message = `the key ${JSON.stringify(key)} stands earlier too; the later flag is used`;
      warnings.push({ code: "duplicate-flag", flagKey: key, path: place(), message });
    }
    byKey[key] = flag;
  }
  const entries: [string, EvaluationFlag][] = [];
  for (const key of Object.keys(byKey)) {
    const problem = problemOf(byKey[key] as unknown as Record<string, unknown>);
    if (problem) {
      const path = pathOf(key) + problem.path;
      warnings.push({ code: "malformed-flag", flagKey: key, path, message: problem.message });
    } else {
      entries.push([key, byKey[key]]);
    }
  }
  return entries;
}

function withoutCycles(
  flags: Map<string, EvaluationFlag>,
  warn: Warn,
): Map<string, EvaluationFlag> {
  const keys = [...flags.keys()];
  const indexes = new Map(keys.map((key, index) => [key, index]));
  const parents = keys.map((key) => parentIndexes(flags.get(key)!, indexes));
  const graph = { count: keys.length, parentsOf: (flag: number) => parents[flag] };
  for (const cycle of findCycles(graph)) {
    const names = cycle.map((flag) => keys[flag]);
    const shown = names.slice(0, 8).map((name) => JSON.stringify(name));
    const more = names.length > 8 ? ` and ${names.length - 8} more` : "";
    for (const name of names) {
      flags.delete(name);
      warn("dependency-cycle", name, ".dependencies", `a cycle of ${shown.join(", ")}${more}`);
    }
  }
  return flags;
}
