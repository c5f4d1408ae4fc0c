/** A server has answered with another status than expected. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  /** What the server asks to wait for; undefined = it does not say. */
  readonly retryAfterMillis: number | undefined;

  constructor(what: string, status: number, retryAfterMillis?: number) {
    super(`${what}: expected status 200, got ${status}`);
    this.status = status;
    this.retryAfterMillis = retryAfterMillis;
  }

  /** The status, as Amplitude's errors name it. */
  get statusCode(): number {
    return this.status;
  }
}

/** Whether asking again may help: not after a 4xx other than 429. */
export function isRetriable(error: unknown): boolean {
  if (!(error instanceof HttpError)) return true;
  return error.status < 400 || error.status >= 500 || error.status === 429;
}
