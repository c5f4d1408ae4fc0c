import { reasonOf } from "../sdk/log.ts";
import { MILLIS_MAX } from "../sdk/millis.ts";
import type { FlagSource } from "./flag-feed.ts";

export interface FreshnessOptions {
  /** Milliseconds after which flags that are polled should have been confirmed. */
  maxAgeMillis: number;
  /** A server has given flags, for the first time. */
  onReady(): void;
  onStale(): void;
  /** A server could be asked again. */
  onMended(): void;
}

/** Where the flags are from, and since when no server has confirmed them. */
export class Freshness {
  readonly #options: FreshnessOptions;
  #source: FlagSource | undefined;
  #confirmedAt: number | undefined;
  #lastError: string | undefined;
  #isReady = false;
  #isStale = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FreshnessOptions) {
    this.#options = options;
  }

  get source(): FlagSource | undefined {
    return this.#source;
  }

  get confirmedAt(): number | undefined {
    return this.#confirmedAt;
  }

  get status() {
    const confirmedAt = this.#confirmedAt;
    return {
      source: this.#source,
      confirmedAt,
      ageMillis: confirmedAt === undefined ? undefined : Date.now() - confirmedAt,
      isStale: this.#isStale,
      lastError: this.#lastError,
    };
  }

  /** The flags are not a server's. */
  begin(source: "bootstrap" | "snapshot", confirmedAt?: number): void {
    this.#source = source;
    this.#confirmedAt = confirmedAt;
  }

  /** A server has given the flags, or has said that they are as they were. */
  confirm(source: FlagSource): void {
    const isMended = this.#isStale || this.#lastError !== undefined;
    this.#source = source;
    this.#confirmedAt = Date.now();
    this.#lastError = undefined;
    this.#isStale = false;
    if (isMended) this.#options.onMended();
    this.end();
    // A stream is silent for as long as nothing changes, and watches itself.
    if (source !== "stream") this.#watch();
    if (this.#isReady) return;
    this.#isReady = true;
    this.#options.onReady();
  }

  /** No server could be asked. */
  fail(error: unknown): void {
    this.#lastError = reasonOf(error);
    if (this.#source === "snapshot") this.#becomeStale();
    else if (!this.#timer && this.#source !== undefined) this.#watch();
  }

  /** Nothing becomes stale any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #watch(): void {
    const millis = Math.min(this.#options.maxAgeMillis, MILLIS_MAX);
    this.#timer = setTimeout(() => this.#becomeStale(), millis);
    this.#timer.unref();
  }

  #becomeStale(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    this.#options.onStale();
  }
}
