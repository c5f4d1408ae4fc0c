// A condition's meaning, worked out at load: what the core compares, what a null gives.

import {
  KIND_CONTAINS,
  KIND_HOST,
  KIND_IS,
  KIND_NEVER,
  KIND_NUMBER,
  KIND_SET_ALL,
  KIND_SET_ANY,
  KIND_SET_IS,
  KIND_VERSION,
  NEEDS_HOST,
  NEEDS_LOWER,
  NEEDS_NUMBER,
  NEEDS_TEXT,
  NEEDS_VERSION,
  OP_GREATER,
  OP_GREATER_OR_EQUAL,
  OP_LESS,
  OP_LESS_OR_EQUAL,
} from "../../assembly/layout.ts";
import { foldBoolean, isWellFormed } from "./text.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

/** How an operator's text maps to the core's terms. */
interface Operator {
  kind: number;
  order: number;
  negated: boolean;
  /** What a null property gives: as "(none)" is in the values, its opposite, or never. */
  null: "none" | "not-none" | "never";
}

function operator(kind: number, negated: boolean, onNull: Operator["null"], order = 0): Operator {
  return { kind, order, negated, null: onNull };
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ["is", operator(KIND_IS, false, "none")],
  ["is not", operator(KIND_IS, true, "not-none")],
  ["contains", operator(KIND_CONTAINS, false, "none")],
  ["does not contain", operator(KIND_CONTAINS, true, "not-none")],
  ["less", operator(KIND_NUMBER, false, "none", OP_LESS)],
  ["less or equal", operator(KIND_NUMBER, false, "none", OP_LESS_OR_EQUAL)],
  ["greater", operator(KIND_NUMBER, false, "none", OP_GREATER)],
  ["greater or equal", operator(KIND_NUMBER, false, "none", OP_GREATER_OR_EQUAL)],
  ["version less", operator(KIND_VERSION, false, "none", OP_LESS)],
  ["version less or equal", operator(KIND_VERSION, false, "none", OP_LESS_OR_EQUAL)],
  ["version greater", operator(KIND_VERSION, false, "none", OP_GREATER)],
  ["version greater or equal", operator(KIND_VERSION, false, "none", OP_GREATER_OR_EQUAL)],
  ["set is", operator(KIND_SET_IS, false, "none")],
  ["set is not", operator(KIND_SET_IS, true, "never")],
  ["set contains", operator(KIND_SET_ALL, false, "none")],
  ["set does not contain", operator(KIND_SET_ALL, true, "not-none")],
  ["set contains any", operator(KIND_SET_ANY, false, "none")],
  ["set does not contain any", operator(KIND_SET_ANY, true, "not-none")],
  ["regex match", operator(KIND_HOST, false, "never")],
  ["regex does not match", operator(KIND_HOST, true, "never")],
]);

const NEVER = operator(KIND_NEVER, false, "never");

/** What a slot must be given for a predicate of this kind. */
export const NEEDS_OF_KIND: readonly number[] = (() => {
  const needs: number[] = [];
  for (const kind of [KIND_IS, KIND_SET_ANY, KIND_SET_ALL, KIND_SET_IS]) needs[kind] = NEEDS_TEXT;
  needs[KIND_NUMBER] = NEEDS_NUMBER;
  needs[KIND_VERSION] = NEEDS_VERSION | NEEDS_HOST;
  needs[KIND_CONTAINS] = NEEDS_LOWER;
  needs[KIND_HOST] = NEEDS_HOST;
  needs[KIND_NEVER] = 0;
  return needs;
})();

/** One distinct (selector, operator, values) in the core's terms. */
export interface PredicateSpec {
  kind: number;
  order: number;
  negated: boolean;
  matchesNull: boolean;
  /** Texts of the atoms, each once. */
  atoms: string[];
  /** As given, repeated ones too; a list shorter than this never contains them all. */
  values: readonly string[];
  /** Lower-cased needles of `contains`. */
  needles: string[];
  /** The only number that decides: the largest value for less, the smallest for greater. */
  number: number;
  version: Version | undefined;
}

export function isKnownOperator(op: unknown): boolean {
  return typeof op === "string" && OPERATORS.has(op);
}

/** The operator's order (OP_*) and negation, for predicates that the host decides. */
export function operatorOf(op: string): Operator {
  return OPERATORS.get(op) ?? NEVER;
}

function isLessOrder(order: number): boolean {
  return order === OP_LESS || order === OP_LESS_OR_EQUAL;
}

/** "Any value" of an order needs only the value that is easiest to satisfy. */
function widestNumber(values: readonly string[], order: number): number {
  let widest = Number.NaN;
  for (const value of values) {
    const number = Number(value);
    if (Number.isNaN(number)) continue;
    const wider = isLessOrder(order) ? number > widest : number < widest;
    if (Number.isNaN(widest) || wider) widest = number;
  }
  return widest;
}

/** As {@link widestNumber}, over the values that are versions. */
function widestVersion(values: readonly string[], order: number): Version | undefined {
  let widest: Version | undefined;
  for (const value of values) {
    const version = parseVersion(value);
    if (!version) continue;
    const sign = widest ? compareVersions(version, widest) : 1;
    if (!widest || (isLessOrder(order) ? sign > 0 : sign < 0)) widest = version;
  }
  return widest;
}

/** Works out a condition; `values` are strings. */
export function specOf(op: string, values: readonly string[]): PredicateSpec {
  const { kind, order, negated, null: onNull } = operatorOf(op);
  const hasNone = onNull !== "never" && values.includes("(none)");
  const spec: PredicateSpec = {
    kind,
    order,
    negated,
    matchesNull: onNull === "none" ? hasNone : onNull === "not-none" && !hasNone,
    atoms: [],
    values,
    needles: [],
    number: Number.NaN,
    version: undefined,
  };
  if (kind === KIND_NUMBER) spec.number = widestNumber(values, order);
  else if (kind === KIND_VERSION) spec.version = widestVersion(values, order);
  else if (kind === KIND_SET_IS) spec.atoms = [...new Set(values)];
  else if (kind === KIND_IS || kind === KIND_SET_ANY || kind === KIND_SET_ALL) {
    spec.atoms = [...new Set(values.map(foldBoolean))];
  } else if (kind === KIND_CONTAINS) {
    spec.needles = [...new Set(values.map((value) => value.toLowerCase()))];
    // Half of a surrogate pair is contained in UTF-16, not in bytes: only the host can tell.
    if (!spec.needles.every(isWellFormed)) spec.kind = KIND_HOST;
  }
  return spec;
}
