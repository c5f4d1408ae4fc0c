// The configuration of a remote evaluation client: the names and defaults of Amplitude's Node SDK.

import { endpointsOf, type ServerZone } from "../sdk/endpoints.ts";
import type { HttpOptions } from "../sdk/http.ts";
import type { LogOptions } from "../sdk/log.ts";
import { MILLIS_MAX } from "../sdk/millis.ts";

export interface RemoteEvaluationConfig extends LogOptions, HttpOptions {
  /** Tells clients of one deployment key apart. */
  instanceName?: string;
  /** Default: "us". */
  serverZone?: ServerZone;
  /** Where variants are fetched. Default: `https://api.lab.amplitude.com`, or that of the zone. */
  serverUrl?: string;
  /** Milliseconds for the first request, to the end of its answer. Default: 10000. */
  fetchTimeoutMillis?: number;
  /** How often a failed request is sent again. Default: 8. */
  fetchRetries?: number;
  /** Milliseconds before the first retry. Default: 500. */
  fetchRetryBackoffMinMillis?: number;
  /** Milliseconds before any retry, whatever `Retry-After` says. Default: 10000. */
  fetchRetryBackoffMaxMillis?: number;
  /** By how much each wait is longer than the one before. Default: 1.5. */
  fetchRetryBackoffScalar?: number;
  /** Milliseconds for each retry, to the end of its answer. Default: 10000. */
  fetchRetryTimeoutMillis?: number;
}

/** The defaults of options that have one for all zones. */
export const RemoteEvaluationDefaults = Object.freeze({
  serverZone: "us",
  fetchTimeoutMillis: 10_000,
  fetchRetries: 8,
  fetchRetryBackoffMinMillis: 500,
  fetchRetryBackoffMaxMillis: 10_000,
  fetchRetryBackoffScalar: 1.5,
  fetchRetryTimeoutMillis: 10_000,
} as const);

type Numbers = Exclude<keyof typeof RemoteEvaluationDefaults, "serverZone">;

/** What a client needs of its configuration. */
export type ResolvedConfig = Record<Numbers, number> & { serverUrl: string };

/**
 * Fills in what is missing or NaN; what is negative is 0. The given object stays as it is.
 */
export function resolveConfig(config: RemoteEvaluationConfig): ResolvedConfig {
  const numberOf = (name: Numbers) => {
    const given = config[name] ?? Number.NaN;
    return Number.isNaN(given) ? RemoteEvaluationDefaults[name] : Math.max(0, given);
  };
  const millisOf = (name: Numbers) => Math.min(Math.ceil(numberOf(name)), MILLIS_MAX);
  return {
    serverUrl: config.serverUrl || endpointsOf(config.serverZone).remote,
    fetchTimeoutMillis: millisOf("fetchTimeoutMillis"),
    fetchRetries: numberOf("fetchRetries"),
    fetchRetryBackoffMinMillis: millisOf("fetchRetryBackoffMinMillis"),
    fetchRetryBackoffMaxMillis: millisOf("fetchRetryBackoffMaxMillis"),
    fetchRetryBackoffScalar: Math.min(numberOf("fetchRetryBackoffScalar"), MILLIS_MAX),
    fetchRetryTimeoutMillis: millisOf("fetchRetryTimeoutMillis"),
  };
}
