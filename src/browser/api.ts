// The two requests of a client.

import type { EvaluationFlag } from "../engine/index.ts";
import { addressOf } from "../sdk/endpoints.ts";
import { HttpError } from "../sdk/http-error.ts";
import { LIBRARY } from "../sdk/library.ts";
import { areVariants, USER_HEADER_BYTES_MAX } from "../sdk/vardata.ts";
import { base64UrlOf } from "./base64.ts";
import type { ResolvedConfig } from "./config.ts";
import type { FetchOptions } from "./contract.ts";
import { fetchClient, type HttpClient, isTimeout } from "./transport.ts";
import type { ExperimentUser } from "./user.ts";
import { evaluatedVariant, type Variants } from "./variant.ts";

/** What servers answer that take no body. */
const NO_BODY: readonly number[] = [404, 405, 415];

/** What a request for variants says besides the user. */
export interface VariantRequest {
  user: ExperimentUser;
  options: FetchOptions | undefined;
  /** For the header; undefined = the server's default. */
  tracking: string | undefined;
  timeoutMillis: number;
}

interface ApiRequest {
  url: string;
  headers: Record<string, string>;
  timeoutMillis: number;
  body?: string;
}

/** Asks for flags and variants. */
export class Api {
  readonly #key: string;
  readonly #config: ResolvedConfig;
  readonly #client: HttpClient;

  constructor(deploymentKey: string, config: ResolvedConfig) {
    this.#key = deploymentKey;
    this.#config = config;
    this.#client = config.httpClient ?? fetchClient;
  }

  /** @throws {@link HttpError}, what the client throws, or a SyntaxError for what is no flags */
  async flags(): Promise<EvaluationFlag[]> {
    const { flagsServerUrl, fetchTimeoutMillis } = this.#config;
    const url = addressOf(flagsServerUrl, "/sdk/v2/flags");
    const headers = { "X-Amp-Exp-Library": LIBRARY };
    const flags = await this.#send("flags", { url, headers, timeoutMillis: fetchTimeoutMillis });
    if (Array.isArray(flags) && flags.every((flag) => typeof flag?.key === "string")) return flags;
    throw new SyntaxError("flags: expected a list of flags, got other JSON");
  }

  /** @throws as {@link flags} */
  async variants({ user, options, tracking, timeoutMillis }: VariantRequest): Promise<Variants> {
    const url = new URL(addressOf(this.#config.serverUrl, "/sdk/v2/vardata?v=0")).href;
    const { cookie: _, ...sent } = user;
    const headers: Record<string, string> = {};
    if (options?.flagKeys) {
      headers["X-Amp-Exp-Flag-Keys"] = base64UrlOf(JSON.stringify(options.flagKeys));
    }
    if (tracking) headers["X-Amp-Exp-Track"] = tracking;
    const answer = await this.#sendUser(JSON.stringify(sent), { url, headers, timeoutMillis });
    if (!areVariants(answer)) {
      throw new SyntaxError("variants: expected variants by flag key, got other JSON");
    }
    const variants = Object.entries(answer);
    return Object.fromEntries(variants.map(([key, variant]) => [key, evaluatedVariant(variant)]));
  }

  /** In a header, or if it is too long for one, in the body. */
  async #sendUser(json: string, request: ApiRequest): Promise<unknown> {
    const encoded = base64UrlOf(json);
    if (encoded.length > USER_HEADER_BYTES_MAX) {
      const headers = { ...request.headers, "Content-Type": "application/json" };
      try {
        return await this.#send("variants", { ...request, headers, body: json });
      } catch (error) {
        // Not every server takes bodies, nor does each let pages of other origins send them.
        const isRefused = error instanceof HttpError && !NO_BODY.includes(error.status);
        if (isRefused || isTimeout(error)) throw error;
      }
    }
    const headers = { ...request.headers, "X-Amp-Exp-User": encoded };
    return this.#send("variants", { ...request, headers });
  }

  async #send(what: string, request: ApiRequest): Promise<unknown> {
    if (!this.#key) throw new Error("Experiment API key is empty");
    const { url, body = null, timeoutMillis } = request;
    const headers = { Authorization: `Api-Key ${this.#key}`, ...request.headers };
    const method = body === null ? "GET" : "POST";
    const answer = await this.#client.request(url, method, headers, body, timeoutMillis);
    if (answer.status !== 200) throw new HttpError(what, answer.status);
    try {
      return JSON.parse(answer.body);
    } catch {
      // The error of JSON.parse repeats the answer, in which the user may be.
      throw new SyntaxError(`${what}: expected JSON, got something else`);
    }
  }
}
