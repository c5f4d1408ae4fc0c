// One flag → entries of the tables: segments, outcomes, predicates, buckets.

import {
  CONDITIONS_ALWAYS,
  CONDITIONS_NEVER,
  KIND_HOST,
  KIND_SET_ANY,
  OUTCOME_COUNT_MAX,
} from "../../assembly/layout.ts";
import { FlagProblem, type Place } from "./check.ts";
import { describe, type EngineWarning } from "./errors.ts";
import type {
  EvaluationBucket,
  EvaluationCondition,
  EvaluationFlag,
  EvaluationSegment,
} from "./flag.ts";
import { jsonText } from "./json-text.ts";
import { isKnownOperator, specOf } from "./predicate.ts";
import type {
  BucketEntry,
  CohortNaming,
  FlagEntry,
  PredicateEntry,
  SegmentEntry,
  Tables,
} from "./tables.ts";

/** Takes a warning about the flag with this key; `path` inside it. */
export type Warn = (
  code: EngineWarning["code"],
  key: string,
  path: string,
  message: string,
) => void;

/** Indices of the flags it depends on, of those that are loaded. */
export function parentIndexes(
  flag: EvaluationFlag,
  indexes: ReadonlyMap<string, number>,
): number[] {
  const parents: number[] = [];
  for (const key of flag.dependencies ?? []) {
    const index = indexes.get(key);
    if (index !== undefined) parents.push(index);
  }
  return parents;
}

const NOTHING: FlagEntry = {
  enabled: true,
  parents: [],
  metadata: "",
  segments: [],
  outcomes: [],
  namings: [],
};

/** Compiles one flag; what it finds wrong disables this flag only. */
export class FlagCompiler {
  readonly #tables: Tables;
  readonly #flag: EvaluationFlag;
  readonly #warn: Warn;
  readonly #outcomes: FlagEntry["outcomes"] = [];
  readonly #variants = new Map<string, NumberedVariant>();
  readonly #namings: CohortNaming[] = [];

  constructor(tables: Tables, flag: EvaluationFlag, warn: Warn) {
    this.#tables = tables;
    this.#flag = flag;
    this.#warn = warn;
  }

  /** A disabled flag is an entry without segments: it never has a result. */
  compile(): FlagEntry {
    const { key, variants, metadata, segments } = this.#flag;
    const parents = parentIndexes(this.#flag, this.#tables.flagIndexes);
    const entry: FlagEntry = { ...NOTHING, parents, segments: [] };
    try {
      entry.metadata = this.#tables.json(metadata, () => ".metadata");
      for (const name of Object.keys(variants)) {
        const variant = variants[name];
        if (!variant) continue;
        const place = () => `.variants[${JSON.stringify(name)}]`;
        const json = this.#tables.json(variant, place);
        this.#variants.set(name, { json, segment: -1, number: 0 });
      }
      for (let i = 0; i < segments.length; i++) entry.segments.push(this.#segment(segments[i], i));
      // Only now is it known that the flag is used.
      return { ...entry, outcomes: this.#outcomes, namings: this.#namings };
    } catch (problem) {
      if (!(problem instanceof FlagProblem)) throw problem;
      const isPattern = problem instanceof PatternProblem;
      const code = isPattern ? "invalid-regex" : "malformed-flag";
      this.#warn(code, key, problem.path, problem.message);
      return { ...NOTHING, enabled: false, parents };
    }
  }

  #segment(segment: EvaluationSegment, index: number): SegmentEntry {
    const entry: SegmentEntry = {
      metadata: this.#tables.json(segment.metadata, () => `.segments[${index}].metadata`),
      conditions: [],
      count: CONDITIONS_ALWAYS,
      bucket: undefined,
      outcome: 0,
    };
    if (segment.conditions) this.#addConditions(entry, segment.conditions, index);
    if (segment.bucket) entry.bucket = this.#bucket(segment.bucket, index);
    entry.outcome = this.#outcome(segment.variant, index);
    return entry;
  }

  /** Number of the outcome of a segment and a variant; 0 for a variant that does not exist. */
  #outcome(variantKey: unknown, segment: number): number {
    if (variantKey === undefined) return 0;
    const place = () => `.segments[${segment}]`;
    const variant = this.#variants.get(stringOf(variantKey, place));
    if (!variant) return 0;
    if (variant.segment === segment) return variant.number;
    const number = this.#outcomes.push({ segment, variant: variant.json });
    if (number > OUTCOME_COUNT_MAX) {
      const expected = `at most ${OUTCOME_COUNT_MAX} pairs of segment and variant`;
      throw new FlagProblem(place(), expected, number);
    }
    variant.segment = segment;
    variant.number = number;
    return number;
  }

  #addConditions(entry: SegmentEntry, groups: EvaluationCondition[][], segment: number): void {
    let always = false;
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i];
      for (let j = 0; j < group.length; j++) {
        const place = () => `.segments[${segment}].conditions[${i}][${j}]`;
        const predicate = this.#predicate(group[j], place);
        entry.conditions.push({ predicate, last: j === group.length - 1 });
      }
      always ||= group.length === 0;
    }
    if (!always) entry.count = entry.conditions.length || CONDITIONS_NEVER;
  }

  #predicate(condition: EvaluationCondition, place: Place): PredicateEntry {
    const op: unknown = condition.op;
    const values = this.#values(condition.values, place);
    if (!isKnownOperator(op)) {
      const message = `expected an operator, got ${describe(op)}; the condition is false`;
      this.#warn("unknown-operator", this.#flag.key, `${place()}.op`, message);
    }
    const slot = this.#tables.slot(condition.selector ?? []);
    const opPlace = () => `${place()}.op`;
    const operator = stringOf(op, opPlace);
    const name = jsonText([op, values], opPlace);
    const known = slot.predicatesByName.get(name);
    if (known) return known;
    const spec = specOf(operator, values);
    if (spec.kind === KIND_HOST) checkPatterns(operator, values, place);
    if (spec.kind === KIND_SET_ANY && slot.cohortSource) {
      this.#namings.push({ flagKey: this.#flag.key, slot, values, place });
    }
    const predicate = { name, op: operator, slot, spec, index: 0 };
    slot.predicatesByName.set(name, predicate);
    slot.predicates.push(predicate);
    return predicate;
  }

  #values(values: readonly unknown[], place: Place): readonly string[] {
    if (values.every((value) => typeof value === "string")) return values;
    return values.map((value, index) => {
      if (typeof value === "string") return value;
      const at = `${place()}.values[${index}]`;
      const text = this.#tables.json(value, () => at) || String(value);
      const message = `expected a string, got ${describe(value)}; read as ${JSON.stringify(text)}`;
      this.#warn("non-string-value", this.#flag.key, at, message);
      return text;
    });
  }

  #bucket(bucket: EvaluationBucket, segment: number): BucketEntry {
    const ranges: number[] = [];
    for (const { range, distributions } of bucket.allocations) {
      for (const distribution of distributions) {
        ranges.push(wholeEnd(range[0]), wholeEnd(range[1]));
        ranges.push(wholeEnd(distribution.range[0]), wholeEnd(distribution.range[1]));
        ranges.push(this.#outcome(distribution.variant, segment));
      }
    }
    const slot = this.#tables.slot(bucket.selector ?? []);
    slot.isBucket = true;
    const place = () => `.segments[${segment}].bucket.allocations`;
    const allocations = this.#tables.json(bucket.allocations, place);
    return { slot, salt: bucket.salt, ranges, allocations, pointer: 0, prefixSize: 0 };
  }
}

/** A variant with its outcome in the last segment that named it. */
interface NumberedVariant {
  json: string;
  segment: number;
  number: number;
}

/** A range's end as the core compares it: `a >= end` for whole `a` is `a >= ceil(end)`. */
function wholeEnd(end: number | undefined): number {
  return Math.min(Math.max(Math.ceil(end as number), 0), 0xffffffff);
}

/** As a key of an object it is read so. */
function stringOf(value: unknown, place: Place): string {
  try {
    return String(value);
  } catch {
    throw new FlagProblem(place(), "a text", value);
  }
}

/** A value that is no regular expression. */
class PatternProblem extends FlagProblem {}

function checkPatterns(op: string, values: readonly string[], place: Place): void {
  if (!op.startsWith("regex")) return;
  for (const [index, value] of values.entries()) {
    try {
      new RegExp(value);
    } catch {
      throw new PatternProblem(`${place()}.values[${index}]`, "a regular expression", value);
    }
  }
}
