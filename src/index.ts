export type { EvaluationFlag as FlagConfig } from "./engine/index.ts";
export * from "./engine/index.ts";
export { Experiment } from "./experiment.ts";
export { type EvaluateOptions, LocalEvaluationClient } from "./local/client.ts";
export type { CohortState } from "./local/cohort-sync.ts";
export {
  type CohortSyncConfig,
  type LocalEvaluationConfig,
  LocalEvaluationDefaults,
} from "./local/config.ts";
export type { LocalEvaluationEvents } from "./local/events.ts";
export { FlagConfigCache } from "./local/flag-cache.ts";
export type { FlagSource } from "./local/flag-feed.ts";
export type { ClientStatus } from "./local/status.ts";
export {
  RemoteEvaluationClient,
  /** @deprecated the name that Amplitude's SDK had before */
  RemoteEvaluationClient as ExperimentClient,
} from "./remote/client.ts";
export {
  type RemoteEvaluationConfig as ExperimentConfig,
  type RemoteEvaluationConfig,
  RemoteEvaluationDefaults as Defaults,
  RemoteEvaluationDefaults,
} from "./remote/config.ts";
export type { FetchOptions } from "./remote/evaluation-api.ts";
export { AmplitudeCookie } from "./sdk/cookie.ts";
export type { ServerZone } from "./sdk/endpoints.ts";
export { HttpError } from "./sdk/http.ts";
export { ConsoleLogger, type LoggerProvider, LogLevel } from "./sdk/log.ts";
export type { Variant, Variants } from "./sdk/variant.ts";
export type { AssignmentConfig, ExposureConfig } from "./tracking/config.ts";
