// Flags → image: checks, interning, numbering, writing. JSON never enters the core.

import {
  CONDITIONS_ALWAYS,
  CONDITIONS_NEVER,
  FLAG_COUNT_MAX,
  IMAGE_CHECKSUM,
  IMAGE_HEADER_SIZE,
  KIND_HOST,
  OUTCOME_COUNT_MAX,
} from "../../assembly/layout.ts";
import { checkFlag, FlagProblem } from "./check.ts";
import { ConfigError, describe, type EngineWarning } from "./errors.ts";
import type {
  EvaluationBucket,
  EvaluationCondition,
  EvaluationFlag,
  EvaluationSegment,
} from "./flag.ts";
import { findCycles } from "./order.ts";
import { isKnownOperator, specOf } from "./predicate.ts";
import {
  type BucketEntry,
  type FlagEntry,
  ImageTables,
  type PredicateEntry,
  type RangeEntry,
  type SegmentEntry,
} from "./tables.ts";

/** What a config may be given as, besides an image. */
export type Flags = readonly EvaluationFlag[] | Readonly<Record<string, EvaluationFlag>>;

/** The checksum covers what lies behind it, in blocks of this many bytes. */
const BLOCK_SIZE = 32;

type Warn = (code: EngineWarning["code"], key: string, path: string, message: string) => void;

/** The path of a flag in messages, by key: an array's index means little in a large config. */
function pathOf(key: string): string {
  return `flags[${JSON.stringify(key)}]`;
}

/**
 * Compiles flags into an unsealed image.
 *
 * @throws {@link ConfigError} if `flags` is neither an array nor a record, or is too large.
 * A flag that is malformed is left out with a warning instead.
 */
export function compile(flags: Flags): Uint8Array {
  const warnings: EngineWarning[] = [];
  const warn: Warn = (code, flagKey, path, message) =>
    warnings.push({ code, flagKey, path: pathOf(flagKey) + path, message });
  const usable = withoutCycles(new Map(entriesOf(flags, warnings)), warn);
  if (usable.size > FLAG_COUNT_MAX) {
    throw new ConfigError(
      "too-large",
      "flags",
      `at most ${FLAG_COUNT_MAX} flags`,
      `${usable.size}`,
    );
  }
  const tables = new ImageTables([...usable.keys()]);
  let index = 0;
  for (const flag of usable.values()) {
    tables.flags[index] = new FlagCompiler(tables, flag, warn).compile();
    index++;
  }
  const writer = tables.write(IMAGE_HEADER_SIZE, warnings);
  return writer.finish(IMAGE_CHECKSUM + 8, BLOCK_SIZE);
}

/** The flags that can be used, in the order in which an object lists their keys. */
function entriesOf(flags: Flags, warnings: EngineWarning[]): [string, EvaluationFlag][] {
  if (typeof flags !== "object" || flags === null) {
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
    const place = isList ? `flags[${name}]` : pathOf(name);
    const key: unknown = flag?.key;
    if (typeof key !== "string") {
      const isObject = typeof flag === "object" && flag !== null;
      const path = isObject ? `${place}.key` : place;
      const expected = isObject ? "a string" : "an object";
      const message = `expected ${expected}, got ${describe(isObject ? key : flag)}`;
      warnings.push({ code: "malformed-flag", path, message });
      continue;
    }
    if (key in byKey) {
      const message = `the key ${JSON.stringify(key)} stands earlier too; the later flag is used`;
      warnings.push({ code: "duplicate-flag", flagKey: key, path: place, message });
    }
    byKey[key] = flag;
  }
  const entries: [string, EvaluationFlag][] = [];
  for (const key of Object.keys(byKey)) {
    try {
      checkFlag(byKey[key] as unknown as Record<string, unknown>);
      entries.push([key, byKey[key]]);
    } catch (problem) {
      if (!(problem instanceof FlagProblem)) throw problem;
      const path = pathOf(key) + problem.path;
      warnings.push({ code: "malformed-flag", flagKey: key, path, message: problem.message });
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

function parentIndexes(flag: EvaluationFlag, indexes: ReadonlyMap<string, number>): number[] {
  const parents: number[] = [];
  for (const key of flag.dependencies ?? []) {
    const index = indexes.get(key);
    if (index !== undefined) parents.push(index);
  }
  return parents;
}

/** JSON text of a value, "" for none. @throws {@link FlagProblem} if it has none. */
function jsonOf(value: unknown, path: string): string {
  if (value === undefined || value === null) return "";
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new FlagProblem(path, "JSON", error instanceof RangeError ? "too deep" : "no JSON");
  }
}

/** Compiles one flag; what it finds wrong disables this flag only. */
class FlagCompiler {
  readonly #tables: ImageTables;
  readonly #flag: EvaluationFlag;
  readonly #warn: Warn;
  readonly #outcomes: FlagEntry["outcomes"] = [];
  readonly #variants = new Map<string, string>();

  constructor(tables: ImageTables, flag: EvaluationFlag, warn: Warn) {
    this.#tables = tables;
    this.#flag = flag;
    this.#warn = warn;
  }

  /** A disabled flag is an entry without segments: it never has a result. */
  compile(): FlagEntry {
    const flag = this.#flag;
    const parents = parentIndexes(flag, this.#tables.flagIndexes);
    try {
      const metadata = jsonOf(flag.metadata, ".metadata");
      for (const [key, variant] of Object.entries(flag.variants)) {
        if (variant) this.#variants.set(key, jsonOf(variant, `.variants[${JSON.stringify(key)}]`));
      }
      const segments = flag.segments.map((segment, index) => this.#segment(segment, index));
      return { enabled: true, parents, metadata, segments, outcomes: this.#outcomes };
    } catch (problem) {
      if (!(problem instanceof FlagProblem)) throw problem;
      const isPattern = problem instanceof PatternProblem;
      const code = isPattern ? "invalid-regex" : "malformed-flag";
      this.#warn(code, flag.key, problem.path, problem.message);
      return { enabled: false, parents, metadata: "", segments: [], outcomes: [] };
    }
  }

  #segment(segment: EvaluationSegment, index: number): SegmentEntry {
    const path = `.segments[${index}]`;
    const numbers = new Map<string, number>();
    const outcomeOf = (variantKey: unknown): number => {
      if (variantKey === undefined) return 0;
      const key = String(variantKey);
      if (!this.#variants.has(key)) return 0;
      const known = numbers.get(key);
      if (known) return known;
      const number = this.#outcomes.push({ segment: index, variant: this.#variants.get(key)! });
      if (number > OUTCOME_COUNT_MAX) {
        const expected = `at most ${OUTCOME_COUNT_MAX} pairs of segment and variant`;
        throw new FlagProblem(path, expected, number);
      }
      numbers.set(key, number);
      return number;
    };
    return {
      metadata: jsonOf(segment.metadata, `${path}.metadata`),
      ...this.#conditions(segment.conditions, path),
      bucket: segment.bucket ? this.#bucket(segment.bucket, outcomeOf) : undefined,
      outcome: outcomeOf(segment.variant),
    };
  }

  #conditions(
    conditions: EvaluationCondition[][] | undefined,
    path: string,
  ): Pick<SegmentEntry, "conditions" | "count"> {
    if (!conditions) return { conditions: [], count: CONDITIONS_ALWAYS };
    const words: SegmentEntry["conditions"] = [];
    let always = false;
    for (const [i, group] of conditions.entries()) {
      for (const [j, condition] of group.entries()) {
        const predicate = this.#predicate(condition, `${path}.conditions[${i}][${j}]`);
        words.push({ predicate, last: j === group.length - 1 });
      }
      always ||= group.length === 0;
    }
    if (always) return { conditions: words, count: CONDITIONS_ALWAYS };
    return { conditions: words, count: words.length || CONDITIONS_NEVER };
  }

  #predicate(condition: EvaluationCondition, path: string): PredicateEntry {
    const values = condition.values.map((value: unknown, index) => {
      if (typeof value === "string") return value;
      const at = `${path}.values[${index}]`;
      const text = jsonOf(value, at) || String(value);
      const message = `expected a string, got ${describe(value)}; read as ${JSON.stringify(text)}`;
      this.#warn("non-string-value", this.#flag.key, at, message);
      return text;
    });
    const op: unknown = condition.op;
    if (!isKnownOperator(op)) {
      const message = `expected an operator, got ${describe(op)}; the condition is false`;
      this.#warn("unknown-operator", this.#flag.key, `${path}.op`, message);
    }
    const selector = condition.selector ?? [];
    const name = JSON.stringify([selector, op, values]);
    return this.#tables.predicate(name, selector, () => {
      const spec = specOf(String(op), values);
      if (spec.kind === KIND_HOST) checkPatterns(String(op), values, path);
      return spec;
    });
  }

  #bucket(bucket: EvaluationBucket, outcomeOf: (variantKey: unknown) => number): BucketEntry {
    const ranges: RangeEntry[] = [];
    for (const allocation of bucket.allocations) {
      for (const distribution of allocation.distributions) {
        const outcome = outcomeOf(distribution.variant);
        ranges.push({ allocation: allocation.range, distribution: distribution.range, outcome });
      }
    }
    const slot = this.#tables.slot(bucket.selector ?? []);
    slot.isBucket = true;
    const { salt, allocations } = bucket;
    const name = JSON.stringify({ selector: bucket.selector ?? [], salt, allocations });
    return { slot, salt, ranges, name, pointer: 0, prefixSize: 0 };
  }
}

/** A value that is no regular expression. */
class PatternProblem extends FlagProblem {}

function checkPatterns(op: string, values: readonly string[], path: string): void {
  if (!op.startsWith("regex")) return;
  for (const [index, value] of values.entries()) {
    try {
      new RegExp(value);
    } catch {
      throw new PatternProblem(`${path}.values[${index}]`, "a regular expression", value);
    }
  }
}
