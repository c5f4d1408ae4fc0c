// The configuration of a local evaluation client: Amplitude's names, with its Node SDK's defaults.

import type { EvaluationFlag } from "../engine/index.ts";
import { endpointsOf, type ServerZone } from "../sdk/endpoints.ts";
import type { HttpOptions } from "../sdk/http.ts";
import type { LogOptions } from "../sdk/log.ts";
import { MILLIS_MAX } from "../sdk/millis.ts";
import type { Variant } from "../sdk/variant.ts";
import type { AssignmentConfig, ExposureConfig } from "../tracking/config.ts";

/** Which cohorts to download, and with whose keys. */
export interface CohortSyncConfig {
  /** The analytics project's API key. */
  apiKey: string;
  /** The analytics project's secret key. */
  secretKey: string;
  /** Default: `https://cohort-v2.lab.amplitude.com`, or that of the zone. */
  cohortServerUrl?: string;
  /** Members; larger cohorts are not downloaded. Default: 2147483647. */
  maxCohortSize?: number;
  /** Milliseconds, at least 60000. Default: 60000. */
  cohortPollingIntervalMillis?: number;
}

export interface LocalEvaluationConfig extends LogOptions, HttpOptions {
  /** Tells clients of one deployment key apart. */
  instanceName?: string;
  /** Default: "us". */
  serverZone?: ServerZone;
  /** Where flags are polled. Default: `https://api.lab.amplitude.com`, or that of the zone. */
  serverUrl?: string;
  /** Flags to evaluate until the first ones have come. */
  bootstrap?: Readonly<Record<string, EvaluationFlag>>;
  /** Milliseconds between two polls. Default: 30000. */
  flagConfigPollingIntervalMillis?: number;
  /** Milliseconds for one poll. Default: 10000. */
  flagConfigPollerRequestTimeoutMillis?: number;
  /** Whether flags are streamed; polled only while there is no stream. Default: false. */
  streamUpdates?: boolean;
  /** Default: `https://stream.lab.amplitude.com`, or that of the zone. */
  streamServerUrl?: string;
  /** Milliseconds until the first flags of a stream. Default: 1500. */
  streamFlagConnTimeoutMillis?: number;
  /** @deprecated in Amplitude's SDKs: see `exposureConfig`. */
  assignmentConfig?: AssignmentConfig;
  exposureConfig?: ExposureConfig;
  /** Without it no cohorts are downloaded. */
  cohortSyncConfig?: CohortSyncConfig;
  /** A directory for the last good flags and cohorts, used when the network is down at start. */
  snapshotPath?: string;
  /** What {@link LocalEvaluationClient.variant} gives where a flag has no variant, by flag key. */
  fallbackVariants?: Readonly<Record<string, Variant>>;
  /** Whether workers can attach to flags and cohorts, see docs/threads.md. Default: false. */
  shared?: boolean;
}

/** The defaults of options that have one for all zones. */
export const LocalEvaluationDefaults = Object.freeze({
  serverZone: "us",
  flagConfigPollingIntervalMillis: 30_000,
  flagConfigPollerRequestTimeoutMillis: 10_000,
  streamUpdates: false,
  streamFlagConnTimeoutMillis: 1_500,
} as const);

export const CohortSyncDefaults = Object.freeze({
  maxCohortSize: 2_147_483_647,
  cohortPollingIntervalMillis: 60_000,
});

/** More often cohorts are not asked for. */
const COHORT_POLLING_INTERVAL_MIN = 60_000;

/** A configuration in which nothing is missing that has a default. */
export type ResolvedConfig = LocalEvaluationConfig &
  Required<
    Pick<
      LocalEvaluationConfig,
      keyof typeof LocalEvaluationDefaults | "serverUrl" | "streamServerUrl"
    >
  > & { cohortSyncConfig?: Required<CohortSyncConfig> };

/** Fills in what is missing, null, or NaN; the given object stays as it is. */
export function resolveConfig(config: LocalEvaluationConfig = {}): ResolvedConfig {
  const given = withoutNothing(config);
  const endpoints = endpointsOf(given.serverZone);
  const { cohortSyncConfig } = given;
  const resolved = { ...LocalEvaluationDefaults, ...given };
  return {
    ...resolved,
    serverUrl: withoutPassword(given.serverUrl || endpoints.flags),
    streamServerUrl: withoutPassword(given.streamServerUrl || endpoints.stream),
    flagConfigPollingIntervalMillis: millisOf(resolved.flagConfigPollingIntervalMillis),
    flagConfigPollerRequestTimeoutMillis: millisOf(resolved.flagConfigPollerRequestTimeoutMillis),
    streamFlagConnTimeoutMillis: millisOf(resolved.streamFlagConnTimeoutMillis),
    cohortSyncConfig: cohortSyncConfig && resolveCohorts(cohortSyncConfig, endpoints.cohorts),
  };
}

function resolveCohorts(config: CohortSyncConfig, url: string): Required<CohortSyncConfig> {
  const resolved = { ...CohortSyncDefaults, ...withoutNothing(config) };
  const { cohortPollingIntervalMillis, cohortServerUrl } = resolved;
  const interval = Math.max(COHORT_POLLING_INTERVAL_MIN, cohortPollingIntervalMillis);
  return {
    ...resolved,
    cohortServerUrl: withoutPassword(cohortServerUrl || url),
    cohortPollingIntervalMillis: millisOf(interval),
  };
}

function millisOf(millis: number): number {
  return Math.min(Math.max(1, millis), MILLIS_MAX);
}

/** The keys authorize; fetch refuses, and repeats in its error, what else could. */
function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (!url.username && !url.password) return address;
  url.username = "";
  url.password = "";
  return url.href;
}

function withoutNothing<Config extends object>(config: Config): Config {
  const entries = Object.entries(config).filter(
    ([, value]) => value !== undefined && value !== null && !Number.isNaN(value),
  );
  return Object.fromEntries(entries) as Config;
}
