// HTTP by fetch: requests that end, errors that tell.

import { Readable } from "node:stream";
import { HttpError } from "./http-error.ts";

export { HttpError, isRetriable } from "./http-error.ts";

/** As the runtime's own `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpOptions {
  /** Default: the runtime's own, or for an `httpAgent` that of node-fetch. */
  fetch?: Fetch;
  /** An agent of node:https for https addresses, as Amplitude's Node SDK takes it. */
  httpAgent?: unknown;
}

export interface HttpRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Default: GET without a body, POST with one. */
  body?: string;
  /** For the whole answer, unless the body is streamed. */
  timeoutMillis: number;
  signal?: AbortSignal;
}

/** The error of an answer that is none. */
export function errorOf(what: string, response: Response): HttpError {
  return new HttpError(what, response.status, retryAfterOf(response.headers.get("retry-after")));
}

function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const millis = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(millis) ? undefined : Math.max(0, millis);
}

/**
 * Aborts after a time, or as another signal does. Its timer holds on to it: what `AbortSignal.any`
 * makes of an `AbortSignal.timeout` may never abort, as Node 20 loses the timeout when it collects
 * garbage.
 */
class Deadline {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(millis: number, other: AbortSignal | undefined) {
    const late = new AbortController();
    const reason = new DOMException(`expected an answer within ${millis} ms`, "TimeoutError");
    this.#timer = setTimeout(() => late.abort(reason), millis);
    this.signal = other ? AbortSignal.any([other, late.signal]) : late.signal;
  }

  /** What to throw for an error: an abort may come as an error of the connection. */
  reasonFor(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : error;
  }

  /** Time no longer counts. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Sends requests. */
export class Http {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Sends a request and gives the whole answer; any status is one, a redirection too.
   *
   * @throws what fetch throws, a `TimeoutError` after `timeoutMillis`
   */
  async send({ url, headers, body, timeoutMillis, signal }: HttpRequest): Promise<Response> {
    const deadline = new Deadline(timeoutMillis, signal);
    const method = body === undefined ? "GET" : "POST";
    try {
      const fetch = await this.#fetch(url);
      const { signal: either } = deadline;
      const init = { method, headers, body, signal: either, redirect: REDIRECT };
      const response = await fetch(url, init);
      const bytes = response.arrayBuffer();
      // Of an error the status is what counts, and it is there.
      return responseOf(await (response.ok ? bytes : bytes.catch(() => null)), response);
    } catch (error) {
      throw deadline.reasonFor(error);
    } finally {
      deadline.end();
    }
  }

  /** As {@link send}, but gives the body as it comes, and the time is for the headers only. */
  async open({ url, headers, timeoutMillis, signal }: HttpRequest): Promise<Response> {
    const deadline = new Deadline(timeoutMillis, signal);
    try {
      const fetch = await this.#fetch(url);
      return await fetch(url, { headers, signal: deadline.signal, redirect: REDIRECT });
    } catch (error) {
      throw deadline.reasonFor(error);
    } finally {
      deadline.end();
    }
  }

  async #fetch(url: string): Promise<Fetch> {
    const { fetch, httpAgent } = this.#options;
    if (fetch) return fetch;
    if (!httpAgent || !url.startsWith("https:")) return globalThis.fetch;
    const { default: nodeFetch } = await import("node-fetch");
    return async (address, init) => {
      const answer = await nodeFetch(address, { ...init, agent: httpAgent } as object);
      const body = answer.body && Readable.toWeb(answer.body as Readable);
      return responseOf(body as ReadableStream | null, answer as unknown as Response);
    };
  }
}

/** Headers with keys and users in them are for the server that was meant. */
const REDIRECT = "manual" as const;
const STATUSES_WITHOUT_BODY: readonly number[] = [204, 205, 304];

/** An answer with another body. */
function responseOf(body: BodyInit | null, { status, headers }: Response): Response {
  const hasBody = !STATUSES_WITHOUT_BODY.includes(status);
  return new Response(hasBody ? body : null, { status, headers: new Headers(headers) });
}
