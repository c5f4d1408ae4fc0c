import { validateHeaderValue } from "node:http";
import type { ExperimentUser } from "../engine/index.ts";
import { addressOf } from "../sdk/endpoints.ts";
import { errorOf, type Http, type HttpRequest } from "../sdk/http.ts";
import { LIBRARY } from "../sdk/library.ts";
import { areVariants, USER_HEADER_BYTES_MAX } from "../sdk/vardata.ts";
import { type Variants, variantsOf } from "../sdk/variant.ts";

/** What a request for variants may say besides the user. */
export interface FetchOptions {
  /** The flags to evaluate, none for an empty list. Default: all of the deployment. */
  flagKeys?: readonly string[];
  /** Whether the server tracks assignments. Default: the server's, which does. */
  tracksAssignment?: boolean | null;
  /** Whether the server tracks exposures. Default: the server's, which does not. */
  tracksExposure?: boolean | null;
  /** Ends the fetch, its retries included, with the signal's reason. */
  signal?: AbortSignal;
}

/** A request as it is sent, the first time and again. */
export type EvaluationRequest = Pick<HttpRequest, "url" | "headers" | "body">;

const WHAT = "remote evaluation";

/** Evaluates users on a server: `GET` or `POST {serverUrl}/sdk/v2/vardata?v=0`. */
export class EvaluationApi {
  readonly #http: Http;
  readonly #key: string;
  readonly #serverUrl: string;

  constructor(http: Http, deploymentKey: string, serverUrl: string) {
    this.#http = http;
    this.#key = deploymentKey;
    this.#serverUrl = serverUrl;
  }

  /**
   * The request for a user's variants. The user is not written to, and may change afterwards.
   *
   * @throws Error for an empty key; TypeError for a key that no header can hold, for an address
   * that is none and for a user that JSON cannot hold
   */
  requestOf(user: ExperimentUser | undefined | null, options: FetchOptions): EvaluationRequest {
    if (!this.#key) throw new Error("Experiment API key is empty");
    const authorization = `Api-Key ${this.#key}`;
    // What fetch throws here has the key in it.
    validateHeaderValue("Authorization", authorization);
    const { flagKeys, tracksAssignment, tracksExposure } = options;
    const headers: Record<string, string> = { Authorization: authorization };
    if (flagKeys) headers["X-Amp-Exp-Flag-Keys"] = base64UrlOf(JSON.stringify(flagKeys));
    if (typeof tracksAssignment === "boolean") {
      headers["X-Amp-Exp-Track"] = trackingOf(tracksAssignment);
    }
    if (typeof tracksExposure === "boolean") {
      headers["X-Amp-Exp-Exposure-Track"] = trackingOf(tracksExposure);
    }
    const url = this.#address();
    const body = jsonOf(user);
    const userHeader = base64UrlOf(body);
    if (userHeader.length > USER_HEADER_BYTES_MAX) {
      return { url, body, headers: { ...headers, "Content-Type": "application/json" } };
    }
    return { url, headers: { ...headers, "X-Amp-Exp-User": userHeader } };
  }

  /**
   * Sends a request once.
   *
   * @throws {@link HttpError}, what fetch throws, or a SyntaxError if the answer is no variants
   */
  async send(
    request: EvaluationRequest,
    timeoutMillis: number,
    signal: AbortSignal | undefined,
  ): Promise<Variants> {
    const response = await this.#http.send({ ...request, timeoutMillis, signal });
    if (response.status !== 200) throw errorOf(WHAT, response);
    return parseVariants(await response.text());
  }

  #address(): string {
    const url = new URL(addressOf(this.#serverUrl, "/sdk/v2/vardata?v=0"));
    // The key authorizes; fetch refuses, and repeats in its error, what else could.
    url.username = "";
    url.password = "";
    return url.href;
  }
}

function trackingOf(isTracked: boolean): string {
  return isTracked ? "track" : "no-track";
}

function base64UrlOf(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function jsonOf(user: ExperimentUser | undefined | null): string {
  try {
    return JSON.stringify({ library: LIBRARY, ...user });
  } catch {
    // The error of JSON.stringify names the user's properties.
    throw new TypeError("user: expected what JSON can hold, got a cycle or a bigint");
  }
}

function parseVariants(text: string): Variants {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // The error of JSON.parse repeats the answer, in which the user may be.
    throw new SyntaxError(`${WHAT}: expected JSON, got something else`);
  }
  if (!areVariants(answer)) {
    throw new SyntaxError(`${WHAT}: expected variants by flag key, got other JSON`);
  }
  return variantsOf(answer);
}
