import { setTimeout as sleep } from "node:timers/promises";
import pRetry, { type RetryContext } from "p-retry";
import type { ExperimentUser } from "../engine/index.ts";
import { Http, HttpError, isRetriable } from "../sdk/http.ts";
import { Log } from "../sdk/log.ts";
import { type Variants, withoutDefaults } from "../sdk/variant.ts";
import { type RemoteEvaluationConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import { EvaluationApi, type EvaluationRequest, type FetchOptions } from "./evaluation-api.ts";

/** Fetches the variants of users from a server that evaluates: Amplitude's, or its proxy. */
export class RemoteEvaluationClient {
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  readonly #api: EvaluationApi;

  /**
   * @param apiKey - the deployment key; an empty one is refused when variants are fetched
   * @param config - see docs/remote.md
   */
  constructor(apiKey: string, config?: RemoteEvaluationConfig | null) {
    const given = config ?? {};
    this.#config = resolveConfig(given);
    this.#log = new Log(given, [apiKey]);
    this.#api = new EvaluationApi(new Http(given), apiKey, this.#config.serverUrl);
  }

  /**
   * The variants of a user, default variants such as `off` included. A request that fails is sent
   * again, unless the server says with a 4xx other than 429 that it is wrong.
   *
   * @param user - is not written to; what it is at this moment counts for the retries too
   * @throws the error of the last request: an {@link HttpError} for a status other than 200, what
   * fetch throws, or a SyntaxError for an answer that is no variants. An Error for an empty key, a
   * TypeError for a user that JSON cannot hold; the signal's reason if that aborted.
   */
  async fetchV2(
    user: ExperimentUser | undefined | null,
    options?: FetchOptions | null,
  ): Promise<Variants> {
    const { signal } = options ?? {};
    try {
      const request = this.#api.requestOf(user, options ?? {});
      const variants = await this.#send(request, signal);
      this.#log.debug(`fetched ${Object.keys(variants).length} variants`);
      return variants;
    } catch (error) {
      // An abort may come as an error of the connection.
      signal?.throwIfAborted();
      this.#log.error("fetching variants failed", error);
      throw error;
    }
  }

  /**
   * As {@link fetchV2}, without default variants; nothing at all after an error, which is logged.
   *
   * @deprecated use {@link fetchV2}, which tells no variants from no answer
   */
  async fetch(
    user: ExperimentUser | undefined | null,
    options?: FetchOptions | null,
  ): Promise<Variants> {
    try {
      return withoutDefaults(await this.fetchV2(user, options));
    } catch {
      return {};
    }
  }

  #send(request: EvaluationRequest, signal: AbortSignal | undefined): Promise<Variants> {
    const config = this.#config;
    const attempt = (attemptNumber: number) => {
      const isFirst = attemptNumber === 1;
      const timeoutMillis = isFirst ? config.fetchTimeoutMillis : config.fetchRetryTimeoutMillis;
      return this.#api.send(request, timeoutMillis, signal);
    };
    return pRetry(attempt, {
      retries: config.fetchRetries,
      minTimeout: config.fetchRetryBackoffMinMillis,
      maxTimeout: config.fetchRetryBackoffMaxMillis,
      factor: config.fetchRetryBackoffScalar,
      signal,
      shouldRetry: (context) => this.#shouldRetry(context, signal),
    });
  }

  /** Says whether to retry, and waits for what the server asks beyond the backoff. */
  async #shouldRetry(
    { error, retriesConsumed }: RetryContext,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (signal?.aborted || !isRetriable(error)) return false;
    const { fetchRetryBackoffMinMillis, fetchRetryBackoffMaxMillis } = this.#config;
    const growth = this.#config.fetchRetryBackoffScalar ** retriesConsumed;
    const backoff = Math.min(fetchRetryBackoffMinMillis * growth, fetchRetryBackoffMaxMillis);
    const asked = error instanceof HttpError ? (error.retryAfterMillis ?? 0) : 0;
    const wait = Math.max(backoff, Math.min(asked, fetchRetryBackoffMaxMillis));
    this.#log.warn(`fetching variants failed, next try in ${Math.round(wait)} ms`, error);
    // pRetry itself throws if the wait was aborted.
    await sleep(wait - backoff, undefined, { signal }).catch(() => {});
    return true;
  }
}
