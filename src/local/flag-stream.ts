import { EventSourceParserStream } from "eventsource-parser/stream";
import { addressOf } from "../sdk/endpoints.ts";
import { errorOf, type Http } from "../sdk/http.ts";
import { flagHeaders } from "./flag-api.ts";

export interface FlagStreamOptions {
  http: Http;
  streamServerUrl: string;
  deploymentKey: string;
  /** Milliseconds until the first flags. */
  timeoutMillis: number;
  /** Milliseconds between two events, at most. Default: 17000. */
  silenceMillis?: number;
}

/** The server sends a sign of life every 15 s. */
const SILENCE_MAX_MILLIS = 17_000;
const KEEP_ALIVE = " ";

/** Why a stream ended. */
export class StreamError extends Error {
  override readonly name = "StreamError";
}

/** Aborts what it is told to watch unless it is fed in time. */
class Watchdog {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  feed(millis: number): void {
    clearTimeout(this.#timer);
    const error = new StreamError(`flag stream: expected a sign of life within ${millis} ms`);
    this.#timer = setTimeout(() => this.#controller.abort(error), millis);
  }

  sleep(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * The flags that a server streams, each time all of them, as text:
 * `GET {streamServerUrl}/sdk/stream/v1/flags`. Ends when the server ends it.
 *
 * @throws {@link HttpError}, {@link StreamError} after silence, or what fetch throws
 */
export async function* streamFlags(
  options: FlagStreamOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { timeoutMillis, silenceMillis = SILENCE_MAX_MILLIS } = options;
  const watchdog = new Watchdog();
  watchdog.feed(timeoutMillis);
  let isWaiting = true;
  try {
    for await (const { data } of await open(options, AbortSignal.any([signal, watchdog.signal]))) {
      const isFlags = data !== KEEP_ALIVE && data !== "";
      if (isFlags) {
        isWaiting = false;
        // However long the flags take to go live, that is not the server's silence.
        watchdog.sleep();
        yield data;
      }
      if (!isWaiting) watchdog.feed(silenceMillis);
    }
  } catch (error) {
    // What aborts a request may come wrapped, or as an error of the connection.
    throw watchdog.signal.aborted ? watchdog.signal.reason : error;
  } finally {
    watchdog.sleep();
  }
}

async function open(
  { http, streamServerUrl, deploymentKey, timeoutMillis }: FlagStreamOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<{ data: string }>> {
  const url = addressOf(streamServerUrl, "/sdk/stream/v1/flags");
  const sse = { Accept: "text/event-stream", "Cache-Control": "no-cache" };
  const headers = { ...flagHeaders(deploymentKey), ...sse };
  const response = await http.open({ url, headers, timeoutMillis, signal });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw errorOf("flag stream", response);
  }
  const texts = response.body.pipeThrough(new TextDecoderStream() as TextDecoderPair, { signal });
  const events = texts.pipeThrough(new EventSourceParserStream());
  return events as unknown as AsyncIterable<{ data: string }>;
}

/** As the DOM's types have it, it does not take what a response's body gives. */
type TextDecoderPair = ReadableWritablePair<string, Uint8Array>;
