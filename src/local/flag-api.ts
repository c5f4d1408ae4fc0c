import { validateHeaderValue } from "node:http";
import type { EvaluationFlag } from "../engine/index.ts";
import { addressOf } from "../sdk/endpoints.ts";
import { errorOf, type Http } from "../sdk/http.ts";
import { LIBRARY } from "../sdk/library.ts";

export interface FlagApiOptions {
  http: Http;
  serverUrl: string;
  deploymentKey: string;
  timeoutMillis: number;
}

export interface FetchedFlags {
  flags: EvaluationFlag[];
  text: string;
  etag?: string;
}

/**
 * The headers of all requests for flags.
 *
 * @throws TypeError for a key that no header can hold
 */
export function flagHeaders(deploymentKey: string): Record<string, string> {
  const authorization = `Api-Key ${deploymentKey}`;
  // What fetch throws here has the key in it.
  validateHeaderValue("Authorization", authorization);
  return { Authorization: authorization, "X-Amp-Exp-Library": LIBRARY };
}

/**
 * Reads flags as the server sends them.
 *
 * @throws SyntaxError for anything else
 */
export function parseFlags(text: string): EvaluationFlag[] {
  let flags: unknown;
  try {
    flags = JSON.parse(text);
  } catch {
    // The error of JSON.parse repeats the answer, in which a part of a key may be.
    throw new SyntaxError("flags: expected JSON, got something else");
  }
  if (Array.isArray(flags)) return flags;
  throw new SyntaxError("flags: expected a list, got other JSON");
}

/** Downloads flags: `GET {serverUrl}/sdk/v2/flags`. */
export class FlagApi {
  readonly #options: FlagApiOptions;
  #etag: string | undefined;
  #text: string | undefined;

  constructor(options: FlagApiOptions) {
    this.#options = options;
  }

  /**
   * The flags; undefined = they are the same as the last ones that were accepted.
   *
   * @throws {@link HttpError}, what fetch throws, or a SyntaxError if the answer is no flags
   */
  async fetch(signal: AbortSignal): Promise<FetchedFlags | undefined> {
    const { http, serverUrl, deploymentKey, timeoutMillis } = this.#options;
    const headers = flagHeaders(deploymentKey);
    if (this.#etag !== undefined) headers["If-None-Match"] = this.#etag;
    const url = addressOf(serverUrl, "/sdk/v2/flags");
    const response = await http.send({ url, headers, timeoutMillis, signal });
    if (response.status === 304 && this.#etag !== undefined) return undefined;
    if (response.status !== 200) throw errorOf("flags", response);
    const text = await response.text();
    const etag = response.headers.get("etag") ?? undefined;
    if (text !== this.#text) return { flags: parseFlags(text), text, etag };
    this.#etag = etag;
    return undefined;
  }

  /** These went live, from wherever they are: the server need not send them again. */
  accept({ text, etag }: Pick<FetchedFlags, "text" | "etag">): void {
    this.#text = text;
    this.#etag = etag;
  }

  /** Others are live. */
  forget(): void {
    this.#text = undefined;
    this.#etag = undefined;
  }
}
