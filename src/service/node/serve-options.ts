import type { ServiceOptions } from "../options.ts";

/** As pino names them. */
export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export interface ServeOptions extends ServiceOptions {
  /** Default: 3546. 0 = any that is free. */
  port?: number;
  /** Default: 127.0.0.1, which only this machine reaches. */
  host?: string;
  /** Threads that serve. Default: 1, which is the one that downloads flags. */
  workers?: number;
  /** Default: "info". */
  logLevel?: (typeof LOG_LEVELS)[number];
  /** What requests that are being answered get at the end, in ms. Default: 10000. */
  graceMillis?: number;
}

export const ServeDefaults = Object.freeze({
  port: 3546,
  host: "127.0.0.1",
  workers: 1,
  logLevel: "info" as const,
  graceMillis: 10_000,
});
