import type { EvaluationFlag } from "../engine/index.ts";
import type { AssignmentConfig, ExposureConfig } from "../tracking/config.ts";
import type { CohortKeys, DeploymentKey } from "./key-ring.ts";
import type { Limits } from "./limits.ts";
import type { ServiceLog } from "./log.ts";
import type { Source } from "./source.ts";
import type { UpstreamConfig } from "./upstream-config.ts";

/** Where flags and cohorts are downloaded. */
export interface UpstreamOptions extends UpstreamConfig {
  /** A server deployment's key. */
  deploymentKey: string;
}

/** Flags, where they come from, and who may ask for them. */
export interface DeploymentOptions {
  /** For logs and metrics. Default: "default". */
  name?: string;
  /** Texts that begin with "client-" are client keys. Default: that of
   * `upstream`; without one none, and whoever asks may. */
  keys?: readonly (string | DeploymentKey)[];
  /** Who may download cohorts. Default: whoever has the keys of `upstream.cohortSyncConfig`. */
  cohortKeys?: readonly CohortKeys[];
  /** A file, a directory of files, or the flags themselves. */
  flags?: string | readonly EvaluationFlag[] | Readonly<Record<string, EvaluationFlag>>;
  /** A directory of cohorts, for flags of files. */
  cohorts?: string;
  /** Instead of `flags`. */
  upstream?: UpstreamOptions;
  /** A directory for the last good flags and cohorts of `upstream`. Default: within `.halyard`. */
  snapshotPath?: string;
  /** Instead of `flags` and `upstream`: any other. */
  source?: Source;
  /** Where exposures are tracked of which requests say so. Default: nowhere. */
  exposureConfig?: ExposureConfig;
  /** Where assignments are tracked, unless requests say otherwise. Default: nowhere. */
  assignmentConfig?: AssignmentConfig;
}

/** The Redis or Valkey that several service processes share. */
export interface RedisOptions {
  /** `redis://` or `rediss://`; several, or a list of one, are the nodes of a cluster. */
  url: string | readonly string[];
  /** Begins the names of all keys. Default: "halyard". */
  prefix?: string;
}

export interface ServiceOptions extends DeploymentOptions {
  /** Default: one, of the options themselves. */
  deployments?: readonly DeploymentOptions[];
  /** For deployments with an `upstream`: one process downloads, all follow. */
  redis?: RedisOptions;
  /** The page at `/`. Default: unless a deployment has keys. */
  ui?: boolean;
  limits?: Partial<Limits>;
  /** Default: errors and warnings go to the console. */
  log?: ServiceLog;
  /** Between two signs of life in streams of flags, in ms. Default: 15000. */
  streamKeepAliveMillis?: number;
  /** Whether threads are going to serve too: flags and cohorts are in shared memory. */
  shared?: boolean;
}

export const ServiceDefaults = Object.freeze({
  name: "default",
  streamKeepAliveMillis: 15_000,
  snapshotPath: ".halyard",
});
