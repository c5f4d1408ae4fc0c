import { JSON_TYPE, READABLE, UNCACHED } from "./headers.ts";

/** Where a request is at fault: `code` for programs, `message` for people. */
export interface ProblemDetails {
  code: string;
  message: string;
  /** Where in the request, such as `header X-Amp-Exp-User` or `body.groups`. */
  path?: string;
}

const TEXT_TYPE = { "Content-Type": "text/plain; charset=utf-8" };

/** A request that is answered with an error: one line, without a stack trace. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #details: ProblemDetails | undefined;

  private constructor(
    status: number,
    message: string,
    details: ProblemDetails | undefined,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.#details = details;
  }

  /** An error whose text the wire format prescribes. */
  static text(status: number, message: string): Problem {
    return new Problem(status, message, undefined);
  }

  /** Any other: answered as `{"error": {"code", "message", "path"}}`. */
  static json(
    status: number,
    details: ProblemDetails,
    headers?: Readonly<Record<string, string>>,
  ): Problem {
    return new Problem(status, details.message, details, headers);
  }

  get response(): Response {
    const details = this.#details;
    const body = details ? `${JSON.stringify({ error: details })}\n` : this.message;
    const type = details ? JSON_TYPE : TEXT_TYPE;
    // A page that may not read an error takes it for a failing network, and asks again and again.
    const headers = { ...READABLE, ...UNCACHED, ...type, ...this.headers };
    return new Response(body, { status: this.status, headers });
  }
}

/** A client key is asked with where only a server key will do. */
export function serverKeyNeeded(): Problem {
  const message = "key: expected one of a server deployment, got one of a client deployment";
  return Problem.json(403, { code: "forbidden", message });
}
