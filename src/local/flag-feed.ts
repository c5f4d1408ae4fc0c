import { type Http, HttpError } from "../sdk/http.ts";
import type { Log } from "../sdk/log.ts";
import type { ResolvedConfig } from "./config.ts";
import { type FetchedFlags, FlagApi, parseFlags } from "./flag-api.ts";
import { FlagPoller } from "./flag-poller.ts";
import { type FlagStreamOptions, StreamError, streamFlags } from "./flag-stream.ts";
import { pause } from "./pause.ts";

/** Where flags have come from. */
export type FlagSource = "bootstrap" | "snapshot" | "poll" | "stream";

/** When a stream is opened again. */
export interface StreamTiming {
  /** After a failure, and up to so much later. */
  retryMillis: number;
  retryJitterMillis: number;
  /** When it is old: lest one server keep all clients. */
  ageMinMillis: number;
  ageMaxMillis: number;
}

/** As Amplitude's Node SDK. */
export const STREAM_TIMING: Readonly<StreamTiming> = {
  retryMillis: 15_000,
  retryJitterMillis: 2_000,
  ageMinMillis: 12 * 60_000,
  ageMaxMillis: 18 * 60_000,
};

export interface FlagFeedOptions {
  api: FlagApi;
  /** undefined = flags are not streamed */
  stream: FlagStreamOptions | undefined;
  pollingIntervalMillis: number;
  timing?: Readonly<StreamTiming>;
  log: Log;
  /** Makes flags live; what it throws is a failure of the source. */
  apply(fetched: FetchedFlags, source: FlagSource, signal: AbortSignal): Promise<void>;
  /** The flags are as they were. */
  confirm(source: FlagSource): void;
  onError(error: unknown): void;
}

const NOT_IMPLEMENTED = 501;

/** A server that has flags, and the key of the deployment whose they are. */
export interface FlagServerAccess {
  http: Http;
  deploymentKey: string;
}

/** What brings flags as a configuration says. */
export function flagFeedOf(
  config: ResolvedConfig,
  server: FlagServerAccess,
  listener: Pick<FlagFeedOptions, "log" | "apply" | "confirm" | "onError">,
): FlagFeed {
  const { serverUrl, streamServerUrl, streamFlagConnTimeoutMillis } = config;
  const timeoutMillis = config.flagConfigPollerRequestTimeoutMillis;
  const stream = { ...server, streamServerUrl, timeoutMillis: streamFlagConnTimeoutMillis };
  return new FlagFeed({
    ...listener,
    api: new FlagApi({ ...server, serverUrl, timeoutMillis }),
    stream: config.streamUpdates ? stream : undefined,
    pollingIntervalMillis: config.flagConfigPollingIntervalMillis,
  });
}

/** Brings flags: by a stream, and by polls while there is none. */
export class FlagFeed {
  readonly #options: FlagFeedOptions;
  readonly #timing: Readonly<StreamTiming>;
  readonly #poller: FlagPoller;
  #isStreaming = false;

  constructor(options: FlagFeedOptions) {
    const { api, pollingIntervalMillis, apply, confirm, onError } = options;
    this.#options = options;
    this.#timing = options.timing ?? STREAM_TIMING;
    this.#poller = new FlagPoller({
      api,
      intervalMillis: pollingIntervalMillis,
      apply: (fetched, signal) => apply(fetched, "poll", signal),
      confirm: () => confirm("poll"),
      onError,
    });
  }

  /**
   * Resolves with the first flags; whether they come or not, it goes on until `life` is aborted.
   *
   * @throws why the first flags could not be had
   */
  start(life: AbortSignal): Promise<void> {
    this.#isStreaming = false;
    this.#poller.end();
    return new Promise((resolve, reject) => {
      const poll = () => {
        this.#poller.start(life).then(resolve, (error) => {
          // The polls were ended because a stream is there.
          if (!this.#isStreaming || life.aborted) reject(error);
        });
      };
      if (this.#options.stream) this.#keepStreaming(life, resolve, poll).catch(reject);
      else poll();
    });
  }

  /** Other flags are live than those it has brought: the next ones go live even if they are old. */
  forget(): void {
    this.#options.api.forget();
  }

  /** Never resolves. */
  async #keepStreaming(life: AbortSignal, onFlags: () => void, poll: () => void): Promise<void> {
    const { log, onError } = this.#options;
    const { retryMillis, retryJitterMillis } = this.#timing;
    for (;;) {
      const start = performance.now();
      this.#isStreaming = false;
      try {
        await this.#streamOnce(life, onFlags);
      } catch (error) {
        life.throwIfAborted();
        if (error instanceof HttpError && error.status === NOT_IMPLEMENTED) {
          log.warn("the server does not stream flags; they are polled");
          poll();
          return;
        }
        onError(error);
      }
      life.throwIfAborted();
      // What has held for long is opened again at once. What has not would be, again and again.
      if (this.#isStreaming && performance.now() - start >= retryMillis) continue;
      this.#isStreaming = false;
      poll();
      await pause(retryMillis + Math.random() * retryJitterMillis, life);
    }
  }

  /** Returns when a stream has become old or ended; throws if it failed. */
  async #streamOnce(life: AbortSignal, onFlags: () => void): Promise<void> {
    const { api, stream, apply, log } = this.#options;
    const { ageMinMillis, ageMaxMillis } = this.#timing;
    const old = new AbortController();
    const age = ageMinMillis + Math.random() * (ageMaxMillis - ageMinMillis);
    let aging: NodeJS.Timeout | undefined;
    try {
      for await (const text of streamFlags(stream!, AbortSignal.any([life, old.signal]))) {
        const flags = parseFlags(text);
        this.#isStreaming = true;
        // What a poll is about to bring may be older.
        this.#poller.end();
        await apply({ flags, text }, "stream", life);
        api.accept({ text });
        if (!aging) log.debug("flags are streamed");
        aging ??= setTimeout(() => old.abort(), age);
        onFlags();
      }
    } catch (error) {
      if (!old.signal.aborted) throw error;
    } finally {
      clearTimeout(aging);
    }
    if (!aging) throw new StreamError("flag stream: it ended without flags");
  }
}
