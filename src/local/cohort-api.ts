import { addressOf } from "../sdk/endpoints.ts";
import { errorOf, type Http } from "../sdk/http.ts";
import { LIBRARY } from "../sdk/library.ts";
import type { CohortSyncConfig } from "./config.ts";

/** A server that prepares a cohort answers 202: ask again. */
export class CohortPending extends Error {
  override readonly name = "CohortPending";
  /** What the server asks to wait for; undefined = it does not say. */
  readonly retryAfterMillis: number | undefined;

  constructor(cohortId: string, retryAfterMillis: number | undefined) {
    super(`cohort ${cohortId} is being prepared`);
    this.retryAfterMillis = retryAfterMillis;
  }
}

/** A cohort is larger than `maxCohortSize`. */
export class CohortTooLarge extends Error {
  override readonly name = "CohortTooLarge";

  constructor(maxCohortSize: number) {
    super(`cohort: more than ${maxCohortSize} members`);
  }
}

/** The body of an answer has stopped coming. */
export class CohortStalled extends Error {
  override readonly name = "CohortStalled";
}

/** Milliseconds for which a server may be silent. */
export interface CohortTimeouts {
  /** Until the answer begins. */
  answerMillis: number;
  /** Between two parts of a body. A large cohort may take as long as it comes. */
  silenceMillis: number;
}

const TIMEOUTS: CohortTimeouts = { answerMillis: 20_000, silenceMillis: 20_000 };

/** Downloads cohorts: `GET {cohortServerUrl}/sdk/v1/cohort/{cohortId}`. */
export class CohortApi {
  readonly #http: Http;
  readonly #config: Required<CohortSyncConfig>;
  readonly #timeouts: CohortTimeouts;
  readonly #headers: Record<string, string>;

  constructor(http: Http, config: Required<CohortSyncConfig>, timeouts = TIMEOUTS) {
    this.#http = http;
    this.#config = config;
    this.#timeouts = timeouts;
    const keys = Buffer.from(`${config.apiKey}:${config.secretKey}`).toString("base64");
    this.#headers = { Authorization: `Basic ${keys}`, "X-Amp-Exp-Library": LIBRARY };
  }

  /** More members than these are not taken. */
  get maxCohortSize(): number {
    return this.#config.maxCohortSize;
  }

  /**
   * The body of a cohort, as it comes; undefined = it is as it was at `lastModified`. Reading it
   * throws {@link CohortStalled}, what the signal is aborted with, or what fetch throws.
   *
   * @param lastModified - as the server said with the cohort, in ms
   * @throws {@link CohortPending}, {@link CohortTooLarge}, {@link HttpError}, or what fetch throws
   */
  async open(
    cohortId: string,
    lastModified: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { cohortServerUrl, maxCohortSize } = this.#config;
    const since = lastModified === undefined ? "" : `&lastModified=${lastModified}`;
    const path = `/sdk/v1/cohort/${encodeURIComponent(cohortId)}`;
    const url = `${addressOf(cohortServerUrl, path)}?maxCohortSize=${maxCohortSize}${since}`;
    const timeoutMillis = this.#timeouts.answerMillis;
    const response = await this.#http.open({ url, headers: this.#headers, timeoutMillis, signal });
    const { status, body } = response;
    if (status === 200 && body) return chunksOf(body, this.#timeouts.silenceMillis, signal);
    // Nobody waits for the end of an answer that nobody reads.
    void body?.cancel().catch(() => {});
    if (status === 204) return undefined;
    if (status === 413) throw new CohortTooLarge(maxCohortSize);
    const error = errorOf(`cohort ${cohortId}`, response);
    throw status === 202 ? new CohortPending(cohortId, error.retryAfterMillis) : error;
  }
}

/** The parts of a body; whoever ends early closes the connection. */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  silenceMillis: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    while (true) {
      const { done, value } = await inTime(reader.read(), silenceMillis, signal);
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** Time counts only while somebody waits: what is done with the parts is not the server's fault. */
async function inTime<Result>(
  read: Promise<Result>,
  silenceMillis: number,
  signal: AbortSignal,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      read.then(resolve, reject);
      if (signal.aborted) return reject(signal.reason);
      onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort);
      const late = new CohortStalled(`cohort: no bytes for ${silenceMillis} ms`);
      timer = setTimeout(() => reject(late), silenceMillis);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}
