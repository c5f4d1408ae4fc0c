import { startLimit } from "./time-limit.ts";

/** An answer: its status, and its body as text. */
export interface SimpleResponse {
  status: number;
  body: string;
}

/** Sends a request; any status is an answer. */
export interface HttpClient {
  request(
    requestUrl: string,
    method: string,
    headers: Record<string, string>,
    data: string | null,
    timeoutMillis?: number,
  ): Promise<SimpleResponse>;
}

/** By the runtime's own `fetch`; what takes too long is aborted. */
export const fetchClient: HttpClient = {
  async request(url, method, headers, body, timeoutMillis = 0) {
    const late = new AbortController();
    const endLimit = startLimit(timeoutMillis, (error) => late.abort(error));
    try {
      const response = await fetch(url, { method, headers, body, signal: late.signal });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      // An abort may come as an error of the connection.
      throw late.signal.aborted ? late.signal.reason : error;
    } finally {
      endLimit();
    }
  },
};

/** Whether an error says that an answer took too long, ours or that of another client. */
export function isTimeout(error: unknown): boolean {
  return (error as { name?: unknown } | undefined)?.name === "TimeoutError";
}
