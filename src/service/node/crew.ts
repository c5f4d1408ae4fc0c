import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { AggregatorRegistry, collectDefaultMetrics, Registry } from "prom-client";
import type { Deployment } from "../deployment.ts";
import type { Deployments } from "../deployments.ts";
import type { SourceNews } from "../guest-source.ts";
import type { DeploymentOptions, ServiceOptions } from "../options.ts";
import { FLUSH_MILLIS } from "../service.ts";
import { keysOf } from "../sources.ts";
import type { Place } from "./http-server.ts";
import type { FromThread, ThreadData, ThreadMetrics, ToThread } from "./messages.ts";

export interface CrewOptions {
  service: ServiceOptions;
  deployments: Deployments;
  count: number;
  place: Place;
  logLevel: string;
  /** A thread has failed or ended that should not have. */
  onLoss: (error: Error) => void;
}

/** How long is waited for the metrics of a thread that may be busy. */
const MEASURE_MILLIS = 2_000;
/** How long a thread may take to end, besides what requests and tracking get. */
const CLOSE_MILLIS = 1_000;

/**
 * Threads that serve the sources of this one. They share one listening socket: the first opens it,
 * and the system gives each connection to a thread that is not busy.
 */
export class Crew {
  readonly #options: CrewOptions;
  readonly #deployments: readonly Deployment[];
  /** Those that have not ended. */
  readonly #threads = new Set<Worker>();
  readonly #ends: (() => void)[] = [];
  readonly #own = new Registry();
  /** By question: whoever waits for a thread's metrics. */
  readonly #questions = new Map<string, (metrics: ThreadMetrics) => void>();
  readonly #sentFlags: (string | undefined)[] = [];
  #questionCount = 0;
  /** Whether all threads have begun, and none is to end. */
  #isServing = false;
  #port = 0;

  private constructor(options: CrewOptions) {
    this.#options = options;
    this.#deployments = [...options.deployments];
    collectDefaultMetrics({ register: this.#own });
  }

  /** @throws if a thread cannot begin or listen */
  static async start(options: CrewOptions): Promise<Crew> {
    const crew = new Crew(options);
    try {
      const { port, fd } = await crew.#add(options.place);
      crew.#port = port;
      if (fd === undefined && options.count > 1) {
        throw new Error("workers: expected one on this system, which shares no sockets");
      }
      const others = Array.from({ length: options.count - 1 }, () => crew.#add({ fd: fd! }));
      await Promise.all(others);
      if (crew.#threads.size < options.count) throw ended();
    } catch (error) {
      await crew.#terminate();
      throw error;
    }
    crew.#isServing = true;
    for (const [index, { source }] of crew.#deployments.entries()) {
      crew.#ends.push(source.onChange(() => crew.#publish(index)));
      // What has changed while the threads began.
      crew.#publish(index);
    }
    return crew;
  }

  get port(): number {
    return this.#port;
  }

  /** Lets all threads answer what they have, for at most that long; then they end. */
  async close(graceMillis: number): Promise<void> {
    this.#isServing = false;
    for (const end of this.#ends) end();
    // A thread that fails, or hangs, is not to keep the others.
    const closed = Promise.allSettled(
      Array.from(this.#threads, (thread) => answerOf(thread, "closed")),
    );
    this.#tellAll({ kind: "close", graceMillis });
    await Promise.race([closed, idle(graceMillis + FLUSH_MILLIS + CLOSE_MILLIS)]);
    await this.#terminate();
  }

  async #terminate(): Promise<void> {
    await Promise.all(Array.from(this.#threads, (thread) => thread.terminate()));
  }

  async #add(place: Place): Promise<{ port: number; fd: number | undefined }> {
    const { service, logLevel } = this.#options;
    const { limits, ui, streamKeepAliveMillis } = service;
    const all: readonly DeploymentOptions[] = service.deployments ?? [service];
    const deployments = this.#deployments.map(({ name, source }, index) => {
      const { exposureConfig, assignmentConfig } = all[index];
      return {
        ...{ name, exposureConfig, assignmentConfig },
        ...keysOf(all[index]),
        handle: source.engine.handle(),
        news: { state: source.state, flags: source.flags },
      };
    });
    const workerData: ThreadData = {
      ...{ deployments, place, limits, ui, streamKeepAliveMillis, logLevel },
    };
    const thread = new Worker(new URL("./thread.js", import.meta.url), { workerData });
    this.#threads.add(thread);
    thread.on("message", (message: FromThread) => void this.#receive(thread, message));
    thread.once("error", (error) => this.#lose(error));
    thread.once("exit", () => {
      this.#threads.delete(thread);
      this.#lose(ended());
    });
    return answerOf(thread, "listening");
  }

  #lose(error: Error): void {
    if (!this.#isServing) return;
    this.#isServing = false;
    this.#options.onLoss(error);
  }

  #tellAll(message: ToThread): void {
    for (const thread of this.#threads) thread.postMessage(message);
  }

  #publish(index: number): void {
    const { state, flags } = this.#deployments[index].source;
    // They may be megabytes, and mostly only the state changes.
    const isSent = flags === this.#sentFlags[index];
    this.#sentFlags[index] = flags;
    const news: SourceNews = { state, flags: isSent ? undefined : flags };
    this.#tellAll({ kind: "news", deployment: index, news });
  }

  async #receive(thread: Worker, message: FromThread): Promise<void> {
    if (message.kind === "measured") {
      this.#questions.get(`${thread.threadId}:${message.id}`)?.(message.metrics);
    } else if (message.kind === "measure") {
      const text = await this.metricsText().catch(() => undefined);
      thread.postMessage({ kind: "measured", id: message.id, text } satisfies ToThread);
    } else if (message.kind === "failed") this.#lose(errorOf(message));
  }

  /** The metrics of all threads as one. */
  async metricsText(): Promise<string> {
    const own = (await this.#own.getMetricsAsJSON()) as ThreadMetrics;
    const theirs = await Promise.all(Array.from(this.#threads, (thread) => this.#measure(thread)));
    return AggregatorRegistry.aggregate([own, ...theirs]).metrics();
  }

  #measure(thread: Worker): Promise<ThreadMetrics> {
    const id = this.#questionCount++;
    const key = `${thread.threadId}:${id}`;
    return new Promise<ThreadMetrics>((resolve) => {
      const late = setTimeout(() => resolve([]), MEASURE_MILLIS);
      this.#questions.set(key, (metrics) => {
        clearTimeout(late);
        resolve(metrics);
      });
      thread.postMessage({ kind: "measure", id } satisfies ToThread);
    }).finally(() => this.#questions.delete(key));
  }
}

/** Keeps no process alive. */
function idle(millis: number): Promise<void> {
  return sleep(millis, undefined, { ref: false });
}

function ended(): Error {
  return new Error("a serving thread has ended");
}

function errorOf({ message, code }: Answer<"failed">): Error {
  return Object.assign(new Error(message), { code });
}

type Answer<Kind extends FromThread["kind"]> = Extract<FromThread, { kind: Kind }>;

/** The next message of a kind; throws if the thread fails or ends before. */
function answerOf<Kind extends "listening" | "closed">(
  thread: Worker,
  kind: Kind,
): Promise<Answer<Kind>> {
  return new Promise((resolve, reject) => {
    thread.once("error", reject);
    thread.once("exit", () => reject(ended()));
    thread.on("message", (message: FromThread) => {
      if (message.kind === kind) resolve(message as Answer<Kind>);
      // A thread that is to end does so, whatever fails in it meanwhile.
      if (message.kind === "failed" && kind === "listening") reject(errorOf(message));
    });
  });
}
