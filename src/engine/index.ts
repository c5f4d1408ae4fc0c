export type { Cohort, SetCohortOptions } from "./cohorts.ts";
export type { Column, Columns } from "./columns.ts";
export { type ExperimentUser, toContext } from "./context.ts";
export type { Backend } from "./core.ts";
export { Engine } from "./engine.ts";
export type { EngineOptions, SyncEngineOptions } from "./engine-options.ts";
export {
  CohortError,
  ConfigError,
  type ConfigErrorCode,
  ContextError,
  CoreError,
  type CoreErrorCode,
  type EngineWarning,
} from "./errors.ts";
export type {
  BucketExplanation,
  ConditionExplanation,
  Explanation,
  SegmentExplanation,
} from "./explanation.ts";
export {
  type EvaluationAllocation,
  type EvaluationBucket,
  type EvaluationCondition,
  type EvaluationContext,
  type EvaluationDistribution,
  type EvaluationFlag,
  EvaluationOperator,
  type EvaluationSegment,
  type EvaluationVariant,
} from "./flag.ts";
export type { EngineHandle } from "./guest.ts";
export type { Outcomes } from "./outcomes.ts";
export type { EngineUpdate } from "./owner.ts";
export type { PinnedUser } from "./pinned-user.ts";
export type { Flags } from "./usable-flags.ts";
export type { Variants } from "./variants.ts";
