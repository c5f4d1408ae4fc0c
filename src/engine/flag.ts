/** A flag: variants, ordered segments, and the flags that must be evaluated before it. */
export interface EvaluationFlag {
  key: string;
  variants: Record<string, EvaluationVariant>;
  segments: EvaluationSegment[];
  dependencies?: string[];
  metadata?: Record<string, unknown>;
}

/** One outcome of a flag; what an evaluation returns, then with merged metadata. */
export interface EvaluationVariant {
  key?: string;
  value?: unknown;
  payload?: unknown;
  metadata?: Record<string, unknown>;
}

/** One targeting rule: an OR of AND lists, then a bucket or a fixed variant. */
export interface EvaluationSegment {
  bucket?: EvaluationBucket;
  conditions?: EvaluationCondition[][];
  variant?: string;
  metadata?: Record<string, unknown>;
}

/** Selector + salt + allocations. */
export interface EvaluationBucket {
  selector: string[];
  salt: string;
  allocations: EvaluationAllocation[];
}

/** A test of the value at `selector` in `{ context, result }`. */
export interface EvaluationCondition {
  selector: string[];
  op: string;
  values: string[];
}

/** Half-open range of allocation slots, 0..100. */
export interface EvaluationAllocation {
  range: number[];
  distributions: EvaluationDistribution[];
}

/** Half-open range of distribution slots, 0..42949673. */
export interface EvaluationDistribution {
  variant: string;
  range: number[];
}

/** What is evaluated: `{ user: {...}, groups: {...} }`; any other member may be selected too. */
export type EvaluationContext = Record<string, unknown>;

/** The operators of conditions. */
export const EvaluationOperator = {
  IS: "is",
  IS_NOT: "is not",
  CONTAINS: "contains",
  DOES_NOT_CONTAIN: "does not contain",
  LESS_THAN: "less",
  LESS_THAN_EQUALS: "less or equal",
  GREATER_THAN: "greater",
  GREATER_THAN_EQUALS: "greater or equal",
  VERSION_LESS_THAN: "version less",
  VERSION_LESS_THAN_EQUALS: "version less or equal",
  VERSION_GREATER_THAN: "version greater",
  VERSION_GREATER_THAN_EQUALS: "version greater or equal",
  SET_IS: "set is",
  SET_IS_NOT: "set is not",
  SET_CONTAINS: "set contains",
  SET_DOES_NOT_CONTAIN: "set does not contain",
  SET_CONTAINS_ANY: "set contains any",
  SET_DOES_NOT_CONTAIN_ANY: "set does not contain any",
  REGEX_MATCH: "regex match",
  REGEX_DOES_NOT_MATCH: "regex does not match",
} as const;
