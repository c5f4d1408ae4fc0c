import type { Http } from "../sdk/http.ts";

/** What the analytics SDK takes an answer for. */
type Answer = object | null;

/** Uploads as the analytics SDK's own transport does, but can be ended. */
export class Transport {
  readonly #http: Http;
  readonly #timeoutMillis: number;
  readonly #read: (body: object) => Answer;
  readonly #end = new AbortController();

  /** @param read - the SDK's reading of an answer's JSON */
  constructor(http: Http, timeoutMillis: number, read: (body: object) => Answer) {
    this.#http = http;
    this.#timeoutMillis = timeoutMillis;
    this.#read = read;
  }

  /** @throws if there is no answer: the SDK tries again */
  async send(url: string, payload: object): Promise<Answer> {
    const response = await this.#http.send({
      url,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(payload),
      timeoutMillis: this.#timeoutMillis,
      signal: this.#end.signal,
    });
    return this.#read({ code: response.status, ...jsonOf(await response.text()) });
  }

  /** Aborts what is being sent; nothing is sent any more. */
  end(): void {
    this.#end.abort();
  }
}

/** The members of a JSON object; none if it is something else, such as a proxy's page. */
function jsonOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
