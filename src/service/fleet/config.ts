import type { LogOptions } from "../../sdk/log.ts";
import type { UpstreamConfig } from "../upstream-config.ts";

/** How often a fleet does what it does, in ms. */
export interface FleetTiming {
  /** A leader that is not heard of for so long is none any more. */
  lockMillis: number;
  /** The leader is heard of so often. */
  renewMillis: number;
  /** Instances look so often whether there is another publication, or no leader. */
  pollMillis: number;
  /** The leader looks so often whether all that it has published is still there. */
  keepMillis: number;
  /** For one command of Redis. */
  commandMillis: number;
  /** What `start()` waits for first flags. */
  patienceMillis: number;
  /** Between two polls of cohorts; undefined = as `cohortSyncConfig` says. */
  cohortPollMillis: number | undefined;
}

export const FLEET_TIMING: Readonly<FleetTiming> = {
  lockMillis: 6_000,
  renewMillis: 1_500,
  pollMillis: 300,
  keepMillis: 60_000,
  commandMillis: 3_000,
  patienceMillis: 5_000,
  cohortPollMillis: undefined,
};

export interface FleetConfig extends LogOptions {
  /** A server deployment's key. */
  deploymentKey: string;
  /** Address of a Redis, `redis://` or `rediss://`; several are nodes of one Cluster. */
  redis: string | readonly string[];
  /** Whether a single address is a node of a Cluster. Default: false. */
  cluster?: boolean;
  /** What all keys in Redis begin with. Default: "halyard". */
  prefix?: string;
  /** Of the leader. */
  upstream?: UpstreamConfig;
  /** A directory for the last good flags and cohorts. */
  snapshotPath: string;
  /** Whether workers can attach to flags and cohorts, see docs/threads.md. Default: false. */
  shared?: boolean;
  /** Default: {@link FLEET_TIMING}. */
  timing?: Partial<FleetTiming>;
}
