// Errors as OpenFeature's remote evaluation protocol (OFREP) has them.

import { ContextError } from "../../engine/index.ts";
import { READABLE, UNCACHED } from "../headers.ts";
import { Problem } from "../problem.ts";

/** Those of OpenFeature that this service gives. */
export type OfrepErrorCode = "PARSE_ERROR" | "INVALID_CONTEXT" | "FLAG_NOT_FOUND" | "GENERAL";

/** A request for evaluations that is answered with an error of the protocol. */
export class OfrepFailure extends Error {
  override readonly name = "OfrepFailure";
  readonly status: number;
  readonly errorCode: OfrepErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    errorCode: OfrepErrorCode,
    errorDetails: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(errorDetails);
    this.status = status;
    this.errorCode = errorCode;
    this.headers = headers;
  }

  /** What a request was refused with elsewhere; undefined = the protocol has no form for it. */
  static from(error: unknown): OfrepFailure | undefined {
    if (error instanceof OfrepFailure) return error;
    if (error instanceof ContextError) {
      return new OfrepFailure(413, "GENERAL", "context: expected one that fits into memory");
    }
    // The protocol says nothing of the body of a 401, and SDKs read none.
    if (!(error instanceof Problem) || error.status === 401) return undefined;
    const errorCode = error.status === 400 ? "PARSE_ERROR" : "GENERAL";
    return new OfrepFailure(error.status, errorCode, error.message, error.headers);
  }

  /** @param key - of the flag that was asked for; undefined = all were */
  response(key: string | undefined): Response {
    const { status, headers, errorCode, message } = this;
    const body = { key, errorCode, errorDetails: message };
    return Response.json(body, { status, headers: { ...READABLE, ...UNCACHED, ...headers } });
  }
}
