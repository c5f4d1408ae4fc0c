// Options of tracking: Amplitude's names. The SDK's own types are not imported: it is optional.

/** Options of `@amplitude/analytics-node`, which are passed on as they are. */
export interface AnalyticsOptions {
  /** Milliseconds between two uploads. Default: 10000. */
  flushIntervalMillis?: number;
  /** Attempts for one event. Default: 12. */
  flushMaxRetries?: number;
  /** Events in one upload. Default: 200. */
  flushQueueSize?: number;
  instanceName?: string;
  /** 0 = nothing, 1 = errors, … 4 = debug. Default: 0; what is lost is logged by the client. */
  logLevel?: number;
  /** Default: the console, if there is a `logLevel`. */
  loggerProvider?: object;
  /** The least length of ids. */
  minIdLength?: number;
  offline?: boolean | null;
  /** Whether nothing is to be sent. */
  optOut?: boolean;
  plan?: object;
  ingestionMetadata?: object;
  identify?: object;
  requestMetadata?: object;
  enableRequestBodyCompression?: boolean;
  /** Milliseconds for one upload. Default: 10000. */
  requestTimeoutMillis?: number;
  /** Where events are uploaded. Default: that of the zone. */
  serverUrl?: string;
  /** Default: "US". */
  serverZone?: "US" | "EU" | "STAGING";
  /** Keeps events that are not uploaded yet. */
  storageProvider?: object;
  /** Uploads. Default: Halyard's own, by fetch. */
  transportProvider?: object;
  useBatch?: boolean;
}

/** Where exposures are tracked, and how many are remembered. */
export interface ExposureConfig extends AnalyticsOptions {
  /** The analytics project's API key, not the deployment key. */
  apiKey: string;
  /** Evaluations that are not tracked again within a day. Default: 65536. */
  cacheCapacity?: number;
}

/** @deprecated in Amplitude's SDKs: see {@link ExposureConfig}. */
export interface AssignmentConfig extends ExposureConfig {
  /**
   * Whether events have the user's fields and properties, too, as in Amplitude's Python SDK.
   * Default: false.
   */
  sendEvaluatedProps?: boolean;
}

export const TrackingDefaults = Object.freeze({ cacheCapacity: 65_536 });
