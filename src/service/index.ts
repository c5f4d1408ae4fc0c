export { createService } from "./create-service.ts";
export type { Deployment, DeploymentStatus } from "./deployment.ts";
export type { Deployments } from "./deployments.ts";
export { InlineSource } from "./inline-source.ts";
export type { CohortKeys, DeploymentKey, KeyKind } from "./key-ring.ts";
export { LimitDefaults, type Limits } from "./limits.ts";
export type { ServiceLog } from "./log.ts";
export type {
  DeploymentOptions,
  RedisOptions,
  ServiceOptions,
  UpstreamOptions,
} from "./options.ts";
export type { Service } from "./service.ts";
export type { CohortFile, FleetState, Source, SourceState } from "./source.ts";
