// Flags as server-sent events: all of them at once, and again when they change.

import { corsOf } from "../cors.ts";
import type { Access } from "../deployments.ts";
import { UNCACHED } from "../headers.ts";
import type { ServiceParts } from "../parts.ts";
import { Problem } from "../problem.ts";
import type { Router } from "../router.ts";

const PATH = "/sdk/stream/v1/flags";
/** As Amplitude's SDKs expect it: a space, of which the format takes another away. */
const KEEP_ALIVE = new TextEncoder().encode("data:  \n\n");

export function streamRoutes(router: Router, parts: ServiceParts): void {
  const { deployments, limits, metrics } = parts;
  router.get(PATH, ({ headers, raw }) => {
    const access = deployments.findReady(headers);
    if (metrics.streams >= limits.streams) {
      const message = `streams: expected at most ${limits.streams} at a time, got more`;
      throw Problem.json(503, { code: "too-many-streams", message }, { "Retry-After": "5" });
    }
    const answer = {
      "Content-Type": "text/event-stream; charset=utf-8",
      ...UNCACHED,
      // Of nginx: an event is to be passed on at once.
      "X-Accel-Buffering": "no",
      ...corsOf(access),
    };
    // Nobody reads the body of a HEAD, so nobody would end it.
    const body = raw.method === "HEAD" ? null : new FlagStream(access, parts).readable;
    return new Response(body, { headers: answer });
  });
}

/** One client's stream. A slow one misses flags that newer ones have replaced. */
class FlagStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #access: Access;
  readonly #parts: ServiceParts;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #sentEtag: string | undefined;
  #isIdle = true;
  #timer: NodeJS.Timeout | undefined;
  #ends: (() => void)[] = [];

  constructor(access: Access, parts: ServiceParts) {
    this.#access = access;
    this.#parts = parts;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.#open(controller),
        pull: () => this.#send(),
        cancel: () => this.#close(),
      },
      { highWaterMark: 1 },
    );
  }

  #open(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { metrics, closing, streamKeepAliveMillis } = this.#parts;
    this.#controller = controller;
    metrics.streamOpened();
    this.#timer = setInterval(() => this.#keepAlive(), streamKeepAliveMillis);
    this.#timer.unref?.();
    const end = () => {
      controller.close();
      this.#close();
    };
    closing.addEventListener("abort", end);
    this.#ends = [
      this.#access.deployment.source.onChange(() => this.#changed()),
      () => closing.removeEventListener("abort", end),
    ];
    if (closing.aborted) end();
  }

  #changed(): void {
    if (this.#isIdle) this.#send();
  }

  /** Sends flags if there are others than those sent last. */
  #send(): void {
    const { deployment, kind } = this.#access;
    const document = deployment.flagsFor(kind);
    this.#isIdle = document === undefined || document.etag === this.#sentEtag;
    if (this.#isIdle || !document || !this.#controller) return;
    this.#sentEtag = document.etag;
    this.#controller.enqueue(document.event);
  }

  #keepAlive(): void {
    // Of a client that does not read, nothing is to pile up.
    if (!this.#isIdle) return;
    // Before: of a client that waits, the answer to this is whether it is idle again.
    this.#isIdle = false;
    this.#controller?.enqueue(KEEP_ALIVE);
  }

  #close(): void {
    if (!this.#controller) return;
    this.#controller = undefined;
    clearInterval(this.#timer);
    for (const end of this.#ends) end();
    this.#parts.metrics.streamClosed();
  }
}
