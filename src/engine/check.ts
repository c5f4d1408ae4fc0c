// Checks one flag's shape; the first thing wrong disables the flag (docs/evaluation.md, D1).

import { OUTCOME_COUNT_MAX, SELECTOR_DEPTH_MAX } from "../../assembly/layout.ts";
import { describe } from "./errors.ts";

/** What is wrong with a flag, and where inside it. */
export class FlagProblem {
  path: string;
  readonly message: string;

  constructor(path: string, expected: string, got: unknown) {
    this.path = path;
    this.message = `expected ${expected}, got ${describe(got)}`;
  }

  /** The same problem, seen from further out: paths are only made for what is wrong. */
  under(place: string): this {
    this.path = place + this.path;
    return this;
  }
}

/** A path inside a flag, made when something is wrong there. */
export type Place = () => string;

type Json = Record<string, unknown>;
type Found = FlagProblem | undefined;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function wrong(expected: string, got: unknown): FlagProblem {
  return new FlagProblem("", expected, got);
}

function inMetadata(metadata: unknown): Found {
  if (isNothing(metadata) || isObject(metadata)) return undefined;
  return wrong("an object", metadata).under(".metadata");
}

/** The first problem that `find` has with an element. */
function inList(list: readonly unknown[], find: (element: unknown) => Found): Found {
  for (let i = 0; i < list.length; i++) {
    const found = find(list[i]);
    if (found) return found.under(`[${i}]`);
  }
  return undefined;
}

function inText(value: unknown): Found {
  return typeof value === "string" ? undefined : wrong("a string", value);
}

function inSelector(selector: unknown): Found {
  if (isNothing(selector)) return undefined;
  if (!Array.isArray(selector)) return wrong("an array of strings", selector).under(".selector");
  if (selector.length > SELECTOR_DEPTH_MAX) {
    const expected = `at most ${SELECTOR_DEPTH_MAX} elements`;
    return wrong(expected, selector.length).under(".selector");
  }
  return inList(selector, inText)?.under(".selector");
}

function inEnd(end: unknown): Found {
  return typeof end === "number" && !Number.isNaN(end) ? undefined : wrong("a number", end);
}

function inRange(range: unknown): Found {
  if (!Array.isArray(range)) return wrong("an array of two numbers", range).under(".range");
  return inList(range, inEnd)?.under(".range");
}

function inDistribution(distribution: unknown): Found {
  return isObject(distribution) ? inRange(distribution.range) : wrong("an object", distribution);
}

function inAllocation(allocation: unknown): Found {
  if (!isObject(allocation)) return wrong("an object", allocation);
  const found = inRange(allocation.range);
  if (found) return found;
  const { distributions } = allocation;
  if (!Array.isArray(distributions))
    return wrong("an array", distributions).under(".distributions");
  return inList(distributions, inDistribution)?.under(".distributions");
}

function inBucket(bucket: unknown): Found {
  if (!bucket) return undefined;
  if (!isObject(bucket)) return wrong("an object", bucket);
  const found = inSelector(bucket.selector);
  if (found) return found;
  const { salt, allocations } = bucket;
  if (typeof salt !== "string") return wrong("a string", salt).under(".salt");
  if (!Array.isArray(allocations)) return wrong("an array", allocations).under(".allocations");
  return inList(allocations, inAllocation)?.under(".allocations");
}

function inCondition(condition: unknown): Found {
  if (!isObject(condition)) return wrong("an object", condition);
  const found = inSelector(condition.selector);
  if (found || Array.isArray(condition.values)) return found;
  return wrong("an array", condition.values).under(".values");
}

function inGroup(group: unknown): Found {
  return Array.isArray(group) ? inList(group, inCondition) : wrong("an array", group);
}

function inConditions(conditions: unknown): Found {
  if (!conditions) return undefined;
  if (Array.isArray(conditions)) return inList(conditions, inGroup);
  return wrong("an array of arrays of conditions", conditions);
}

function inSegment(segment: unknown): Found {
  if (!isObject(segment)) return wrong("an object", segment);
  return (
    inMetadata(segment.metadata) ??
    inConditions(segment.conditions)?.under(".conditions") ??
    inBucket(segment.bucket)?.under(".bucket")
  );
}

function inVariants(variants: unknown): Found {
  if (!isObject(variants)) return wrong("an object", variants);
  for (const key of Object.keys(variants)) {
    const variant = variants[key];
    if (!variant) continue;
    const found = isObject(variant) ? inMetadata(variant.metadata) : wrong("an object", variant);
    if (found) return found.under(`[${JSON.stringify(key)}]`);
  }
  return undefined;
}

function inSegments(segments: unknown): Found {
  if (!Array.isArray(segments)) return wrong("an array", segments);
  const { length } = segments;
  if (length > OUTCOME_COUNT_MAX) return wrong(`at most ${OUTCOME_COUNT_MAX}`, length);
  return inList(segments, inSegment);
}

function inDependencies(dependencies: unknown): Found {
  if (isNothing(dependencies)) return undefined;
  if (Array.isArray(dependencies)) return inList(dependencies, inText);
  return wrong("an array of flag keys", dependencies);
}

/** The first thing wrong with a flag's shape; `flag.key` is a string already. */
export function problemOf(flag: Json): FlagProblem | undefined {
  return (
    inMetadata(flag.metadata) ??
    inVariants(flag.variants)?.under(".variants") ??
    inSegments(flag.segments)?.under(".segments") ??
    inDependencies(flag.dependencies)?.under(".dependencies")
  );
}
