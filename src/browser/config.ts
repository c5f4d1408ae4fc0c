// The configuration of a client: the names and defaults of Amplitude's browser SDK.

import { serverAt } from "../sdk/endpoints.ts";
import { type LoggerProvider, LogLevel } from "../sdk/log.ts";
import type { ExposureTrackingProvider } from "./exposure.ts";
import type { ExperimentAnalyticsProvider } from "./legacy-analytics.ts";
import { Source } from "./source.ts";
import type { HttpClient } from "./transport.ts";
import type { ExperimentUserProvider } from "./user.ts";
import type { Variant, Variants } from "./variant.ts";

export interface ExperimentConfig {
  /** @deprecated as `logLevel: LogLevel.Debug` */
  debug?: boolean;
  /** Default: `LogLevel.Error`. */
  logLevel?: LogLevel;
  /** Default: the console. */
  loggerProvider?: LoggerProvider;
  /** Tells clients of one key apart, and names the instance of analytics that is connected. */
  instanceName?: string;
  /** For flags without a variant. */
  fallbackVariant?: Variant;
  /** Variants that there are before any is fetched. */
  initialVariants?: Variants;
  /** Flags that there are before any is fetched: the JSON of a list. */
  initialFlags?: string;
  /** Which variants are preferred. Default: `Source.LocalStorage`. */
  source?: Source;
  /** Where variants are fetched. Default: `https://api.lab.amplitude.com`, or that of the zone. */
  serverUrl?: string;
  /** Where flags are fetched. Default: `https://flag.lab.amplitude.com`, or that of the zone. */
  flagsServerUrl?: string;
  /** Default: "US". */
  serverZone?: string;
  /** Milliseconds for a request, to the end of its answer; 0 = no limit. Default: 10000. */
  fetchTimeoutMillis?: number;
  /** Whether a fetch that fails is repeated in the background. Default: true. */
  retryFetchOnFailure?: boolean;
  /** Whether `start` and `fetch` reject if a request fails. Default: false. */
  throwOnError?: boolean;
  /** Whether `variant` tracks exposures. Default: true. */
  automaticExposureTracking?: boolean;
  /** Whether `start` begins to ask for flags time and again. Default: true. */
  pollOnStart?: boolean;
  /** Milliseconds from one of these requests to the next, at least 60000. Default: 300000. */
  flagConfigPollingIntervalMillis?: number;
  /** Whether `start` fetches variants. Default: true. */
  fetchOnStart?: boolean;
  /** Whether variants are fetched when analytics has another user. Default: false. */
  automaticFetchOnAmplitudeIdentityChange?: boolean;
  /** Fills in what is not known of the user. */
  userProvider?: ExperimentUserProvider;
  /** @deprecated use `exposureTrackingProvider` */
  analyticsProvider?: ExperimentAnalyticsProvider;
  /** Takes exposures to an analytics SDK that is not Amplitude's. */
  exposureTrackingProvider?: ExposureTrackingProvider;
  /** Sends requests instead of `fetch`. */
  httpClient?: HttpClient;
}

const POLLING_MILLIS_MIN = 60_000;

/** The defaults of options that have one. */
export const Defaults = Object.freeze({
  debug: false,
  logLevel: LogLevel.Error as LogLevel,
  instanceName: "$default_instance",
  fallbackVariant: Object.freeze({}) as Variant,
  initialVariants: Object.freeze({}) as Variants,
  source: Source.LocalStorage as Source,
  serverUrl: serverAt("api"),
  flagsServerUrl: serverAt("flag"),
  serverZone: "US",
  fetchTimeoutMillis: 10_000,
  retryFetchOnFailure: true,
  throwOnError: false,
  automaticExposureTracking: true,
  pollOnStart: true,
  flagConfigPollingIntervalMillis: 300_000,
  fetchOnStart: true,
  automaticFetchOnAmplitudeIdentityChange: false,
});

type Defaulted = keyof typeof Defaults;

/** A configuration with its defaults. */
export type ResolvedConfig = ExperimentConfig & Required<Pick<ExperimentConfig, Defaulted>>;

/** Fills in what is undefined, null or NaN. The given object stays as it is. */
export function resolveConfig(config: ExperimentConfig | null | undefined): ResolvedConfig {
  const given = Object.fromEntries(
    Object.entries(config ?? {}).filter(([, value]) => (value ?? Number.NaN) === value),
  ) as ExperimentConfig;
  const polling = given.flagConfigPollingIntervalMillis ?? Defaults.flagConfigPollingIntervalMillis;
  return {
    ...Defaults,
    ...given,
    serverUrl: given.serverUrl || serverAt("api", given.serverZone),
    flagsServerUrl: given.flagsServerUrl || serverAt("flag", given.serverZone),
    flagConfigPollingIntervalMillis: Math.max(polling, POLLING_MILLIS_MIN),
  };
}
