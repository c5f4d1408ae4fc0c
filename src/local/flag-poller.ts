import pRetry from "p-retry";
import { HttpError, isRetriable } from "../sdk/http.ts";
import type { FetchedFlags, FlagApi } from "./flag-api.ts";
import { pause } from "./pause.ts";

export interface FlagPollerOptions {
  api: FlagApi;
  intervalMillis: number;
  /** Makes flags live; what it throws is a failure of the poll. */
  apply(fetched: FetchedFlags, signal: AbortSignal): Promise<void>;
  /** The flags are as they were. */
  confirm(): void;
  onError(error: unknown): void;
}

/** Attempts for the first flags: theirs are five as well, but 1 ms apart. */
const FIRST_RETRIES = 4;
const FIRST_RETRY_MIN_MILLIS = 100;
/** A server that asks for more patience has no flags for now. */
const FIRST_RETRY_AFTER_MAX_MILLIS = 5_000;
/** Polls are up to this much earlier or later, lest all clients poll at once. */
const JITTER = 0.1;
/** However often polls fail, they are this many intervals apart at most. */
const BACKOFF_MAX = 10;
const RETRY_AFTER_MAX_MILLIS = 10 * 60_000;

/** Asks for flags again and again, one poll after the other, never two at a time. */
export class FlagPoller {
  readonly #options: FlagPollerOptions;
  #polling: { first: Promise<void>; end: AbortController } | undefined;

  constructor(options: FlagPollerOptions) {
    this.#options = options;
  }

  /**
   * Begins unless it has. Resolves with the first flags; whether they come or not, it goes on until
   * {@link end} or until `life` is aborted.
   *
   * @throws why the first flags could not be had
   */
  start(life: AbortSignal): Promise<void> {
    if (!this.#polling) {
      const end = new AbortController();
      const signal = AbortSignal.any([life, end.signal]);
      const first = this.#first(signal);
      this.#polling = { first, end };
      void this.#keepPolling(first, signal).catch(() => {});
    }
    return this.#polling.first;
  }

  /** What is being polled does not go live any more. */
  end(): void {
    this.#polling?.end.abort();
    this.#polling = undefined;
  }

  #first(signal: AbortSignal): Promise<void> {
    return pRetry(() => this.#poll(signal), {
      retries: FIRST_RETRIES,
      minTimeout: FIRST_RETRY_MIN_MILLIS,
      signal,
      shouldRetry: async ({ error }) => {
        const asked = millisAskedBy(error);
        if (!isRetriable(error) || asked > FIRST_RETRY_AFTER_MAX_MILLIS) return false;
        await pause(asked, signal);
        return true;
      },
    });
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { api, apply, confirm } = this.#options;
    const fetched = await api.fetch(signal);
    signal.throwIfAborted();
    if (!fetched) {
      confirm();
      return;
    }
    await apply(fetched, signal);
    api.accept(fetched);
  }

  async #keepPolling(first: Promise<void>, signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (let poll = first; ; poll = this.#poll(signal)) {
      let asked = 0;
      try {
        await poll;
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        asked = Math.min(millisAskedBy(error), RETRY_AFTER_MAX_MILLIS);
        this.#options.onError(error);
      }
      const backoff = Math.min(2 ** failures, BACKOFF_MAX) * this.#options.intervalMillis;
      await pause(Math.max(jittered(backoff), asked), signal);
    }
  }
}

function millisAskedBy(error: unknown): number {
  return error instanceof HttpError ? (error.retryAfterMillis ?? 0) : 0;
}

function jittered(millis: number): number {
  return millis * (1 - JITTER + 2 * JITTER * Math.random());
}
