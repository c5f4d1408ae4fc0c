import { isRetriable } from "../sdk/http-error.ts";
import type { Log } from "../sdk/log.ts";
import type { Api } from "./api.ts";
import type { ResolvedConfig } from "./config.ts";
import type { FetchOptions } from "./contract.ts";
import { Timer } from "./timer.ts";
import type { TrackingOption } from "./tracking-option.ts";
import type { ExperimentUser } from "./user.ts";
import type { Variants } from "./variant.ts";
import type { VariantStore } from "./variant-store.ts";

const RETRIES = 8;
const RETRY_TIMEOUT_MILLIS = 10_000;
const BACKOFF_MIN_MILLIS = 500;
const BACKOFF_MAX_MILLIS = 10_000;
const BACKOFF_SCALAR = 1.5;

/** What fetches work with. */
interface FetchParts {
  api: Api;
  store: VariantStore;
  tracking: TrackingOption;
  config: ResolvedConfig;
  log: Log;
  /** The user with what else is known of it, once that is known. */
  complete(user: ExperimentUser | null | undefined): Promise<ExperimentUser>;
}

/** One fetch with its retries; later ones have greater numbers. */
interface Turn {
  number: number;
  user: ExperimentUser | null | undefined;
  options: FetchOptions | undefined;
  /** Who was asked for last. */
  identity?: string;
}

/** Fetches variants. What an earlier fetch answers does not replace what a later one has. */
export class VariantFetches {
  readonly #parts: FetchParts;
  readonly #timer = new Timer();
  #newest: Turn | undefined;
  /** The fetch that the variants are of, of all flags and of single ones. */
  #storedTurn = 0;
  readonly #storedTurns = new Map<string, number>();

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  /**
   * Fetches and stores variants; after a failure again, in the background, unless another fetch
   * begins.
   *
   * @throws the error of the first request
   */
  async fetch(turnOf: Pick<Turn, "user" | "options">): Promise<void> {
    const { config, log } = this.#parts;
    this.#timer.clear();
    const turn: Turn = { ...turnOf, number: (this.#newest?.number ?? 0) + 1 };
    this.#newest = turn;
    try {
      await this.#send(turn, config.fetchTimeoutMillis);
    } catch (error) {
      if (config.retryFetchOnFailure && isRetriable(error)) {
        log.debug("fetching variants failed, it is tried again");
        this.#retry(turn, RETRIES, BACKOFF_MIN_MILLIS);
      }
      throw error;
    }
  }

  #retry(turn: Turn, count: number, waitMillis: number): void {
    if (count === 0 || turn !== this.#newest) return;
    this.#timer.set(waitMillis, async () => {
      try {
        await this.#send(turn, RETRY_TIMEOUT_MILLIS);
      } catch (error) {
        this.#parts.log.debug("fetching variants failed again", error);
        if (!isRetriable(error)) return;
        this.#retry(turn, count - 1, Math.min(waitMillis * BACKOFF_SCALAR, BACKOFF_MAX_MILLIS));
      }
    });
  }

  async #send(turn: Turn, timeoutMillis: number): Promise<void> {
    const { api, tracking, complete, log } = this.#parts;
    const user = await complete(turn.user);
    turn.identity = JSON.stringify([user.user_id, user.device_id]);
    const { options } = turn;
    const request = { user, options, tracking: tracking.value, timeoutMillis };
    const variants = await api.variants(request);
    const isStored = this.#store(turn, variants);
    log.debug(`fetched ${Object.keys(variants).length} variants${isStored ? "" : ", too late"}`);
  }

  /** Answers whether they were still wanted. */
  #store(turn: Turn, variants: Variants): boolean {
    const { store } = this.#parts;
    const { number, options, identity } = turn;
    const isForeign = this.#newest?.identity !== undefined && this.#newest.identity !== identity;
    if (isForeign || number < this.#storedTurn) return false;
    const isNewer = (key: string) => (this.#storedTurns.get(key) ?? 0) > number;
    const asked = options?.flagKeys ?? [];
    if (asked.length === 0) {
      this.#storedTurn = number;
      const newer = [...this.#storedTurns.keys()].filter(isNewer);
      store.replaceAll(variants, new Set(newer));
      return true;
    }
    const keys = new Set([...asked, ...Object.keys(variants)].filter((key) => !isNewer(key)));
    for (const key of keys) this.#storedTurns.set(key, number);
    store.replaceSome(variants, keys);
    return true;
  }
}
