export { type ExperimentUser, toContext } from "../context.ts";
export { ConfigError, ContextError, CoreError, type EngineWarning } from "../errors.ts";
export type { EvaluationContext, EvaluationFlag, EvaluationVariant } from "../flag.ts";
export type { Flags } from "../usable-flags.ts";
export type { CompactBackend } from "./build.ts";
export { CompactEngine, type CompactOptions } from "./compact-engine.ts";
