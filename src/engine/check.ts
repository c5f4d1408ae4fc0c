// Checks one flag's shape; the first thing wrong disables the flag (docs/evaluation.md, D1).

import { OUTCOME_COUNT_MAX, SELECTOR_DEPTH_MAX } from "../../assembly/layout.ts";
import { describe } from "./errors.ts";

/** What is wrong with a flag, and where inside it. */
export class FlagProblem {
  readonly path: string;
  readonly message: string;

  constructor(path: string, expected: string, got: unknown) {
    this.path = path;
    this.message = `expected ${expected}, got ${describe(got)}`;
  }
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function need(ok: boolean, path: string, expected: string, got: unknown): void {
  if (!ok) throw new FlagProblem(path, expected, got);
}

function checkOptionalObject(value: unknown, path: string): void {
  need(value === undefined || value === null || isObject(value), path, "an object", value);
}

function checkSelector(selector: unknown, path: string): void {
  if (selector === undefined || selector === null) return;
  need(Array.isArray(selector), path, "an array of strings", selector);
  const list = selector as unknown[];
  const depth = `at most ${SELECTOR_DEPTH_MAX} elements`;
  need(list.length <= SELECTOR_DEPTH_MAX, path, depth, list.length);
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] !== "string") throw new FlagProblem(`${path}[${i}]`, "a string", list[i]);
  }
}

function checkRange(range: unknown, path: string): void {
  need(Array.isArray(range), path, "an array of two numbers", range);
  for (const [i, end] of (range as unknown[]).entries()) {
    need(typeof end === "number" && !Number.isNaN(end), `${path}[${i}]`, "a number", end);
  }
}

function checkBucket(bucket: unknown, path: string): void {
  if (!bucket) return;
  need(isObject(bucket), path, "an object", bucket);
  const { selector, salt, allocations } = bucket as Json;
  checkSelector(selector, `${path}.selector`);
  need(typeof salt === "string", `${path}.salt`, "a string", salt);
  need(Array.isArray(allocations), `${path}.allocations`, "an array", allocations);
  for (const [i, allocation] of (allocations as unknown[]).entries()) {
    const at = `${path}.allocations[${i}]`;
    if (!isObject(allocation)) throw new FlagProblem(at, "an object", allocation);
    checkRange(allocation.range, `${at}.range`);
    const { distributions } = allocation;
    need(Array.isArray(distributions), `${at}.distributions`, "an array", distributions);
    for (const [j, distribution] of (distributions as unknown[]).entries()) {
      const inner = `${at}.distributions[${j}]`;
      if (!isObject(distribution)) throw new FlagProblem(inner, "an object", distribution);
      checkRange(distribution.range, `${inner}.range`);
    }
  }
}

function checkConditions(conditions: unknown, path: string): void {
  if (!conditions) return;
  need(Array.isArray(conditions), path, "an array of arrays of conditions", conditions);
  const groups = conditions as unknown[];
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    if (!Array.isArray(group)) throw new FlagProblem(`${path}[${i}]`, "an array", group);
    for (let j = 0; j < group.length; j++) {
      const condition: unknown = group[j];
      const at = `${path}[${i}][${j}]`;
      if (!isObject(condition)) throw new FlagProblem(at, "an object", condition);
      checkSelector(condition.selector, `${at}.selector`);
      need(Array.isArray(condition.values), `${at}.values`, "an array", condition.values);
    }
  }
}

/** @throws {@link FlagProblem} at the first thing wrong; `flag.key` is a string already. */
export function checkFlag(flag: Json): void {
  const { variants, segments, dependencies } = flag;
  checkOptionalObject(flag.metadata, ".metadata");
  need(isObject(variants), ".variants", "an object", variants);
  for (const [key, variant] of Object.entries(variants as Json)) {
    const path = `.variants[${JSON.stringify(key)}]`;
    need(!variant || isObject(variant), path, "an object", variant);
    if (variant) checkOptionalObject((variant as Json).metadata, `${path}.metadata`);
  }
  need(Array.isArray(segments), ".segments", "an array", segments);
  const list = segments as unknown[];
  need(list.length <= OUTCOME_COUNT_MAX, ".segments", `at most ${OUTCOME_COUNT_MAX}`, list.length);
  for (let i = 0; i < list.length; i++) {
    const segment = list[i];
    const path = `.segments[${i}]`;
    if (!isObject(segment)) throw new FlagProblem(path, "an object", segment);
    checkOptionalObject(segment.metadata, `${path}.metadata`);
    checkConditions(segment.conditions, `${path}.conditions`);
    checkBucket(segment.bucket, `${path}.bucket`);
  }
  if (dependencies === undefined || dependencies === null) return;
  need(Array.isArray(dependencies), ".dependencies", "an array of flag keys", dependencies);
  for (const [i, key] of (dependencies as unknown[]).entries()) {
    need(typeof key === "string", `.dependencies[${i}]`, "a string", key);
  }
}
