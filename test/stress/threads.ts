// The readers' threads of a stress run: begun, asked to leave, killed, watched.
import { Worker } from "node:worker_threads";
import type { EngineHandle } from "halyard/engine";
import { type Random, seededRandom } from "../random.ts";
import { LEAVE_NOTHING, LEAVE_SEATS, type StressCounters } from "./counters.ts";
import type { ReaderData } from "./worker.ts";

/** Without a step for so long, a reader that lives is stuck. */
const STUCK_MS = 30_000;
/** At most; in about 100 of these a thread has only begun. */
const LIVES_MS = [50, 100, 150, 200, 400, 3_000];

type End = "kill" | "leave" | "vanish";

interface Thread {
  worker: Worker;
  end: End;
  endsAt: number;
  isEnding: boolean;
  steps: number;
  steppedAt: number;
}

export interface ThreadsOptions {
  seed: number;
  workers: number;
  halyard: EngineHandle;
  counters: StressCounters;
}

// Tests run from sources, threads from what was compiled.
const folder = import.meta.url.endsWith(".ts") ? "../../dist/test/stress/" : "./";
const file = new URL(`${folder}worker.js`, import.meta.url);

export class StressThreads {
  readonly #options: ThreadsOptions;
  readonly #random: Random;
  readonly #threads: (Thread | undefined)[];
  #failure: Error | undefined;
  started = 0;
  killed = 0;
  /** Ended by themselves. */
  left = 0;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    // Not the publisher's: what is published must not depend on the time.
    this.#random = seededRandom(options.seed ^ 0x5eed);
    this.#threads = new Array(options.workers).fill(undefined);
  }

  /** Begins readers where none is, ends those whose time has come; throws what went wrong. */
  tend(): void {
    this.check();
    const now = performance.now();
    for (const [index, thread] of this.#threads.entries()) {
      if (!thread) this.#threads[index] = this.#start(index);
      else if (!thread.isEnding && now >= thread.endsAt) this.#end(index, thread);
      else this.#watch(index, thread, now);
    }
  }

  check(): void {
    if (this.#failure) throw this.#failure;
  }

  #fail(index: number, text: string): void {
    this.#failure ??= new Error(`reader ${index}: ${text}`);
  }

  #start(index: number): Thread {
    const { seed, halyard, counters } = this.#options;
    const { int, pick } = this.#random;
    counters.setLeave(index, 0);
    const shared = { halyard, counters: counters.words.buffer, index };
    const workerData: ReaderData = { ...shared, planSeed: seed, seed: int(2 ** 31) };
    const worker = new Worker(file, { workerData });
    this.started++;
    const now = performance.now();
    const endsAt = now + int(pick(LIVES_MS));
    const end = pick<End>(["kill", "kill", "kill", "leave", "vanish"]);
    const thread: Thread = { worker, end, endsAt, isEnding: false, steps: 0, steppedAt: now };
    worker.on("message", (text) => this.#fail(index, text));
    worker.on("error", (error) => this.#fail(index, error.stack ?? error.message));
    worker.once("exit", () => {
      if (!thread.isEnding) this.#fail(index, "has ended, unasked");
      this.#threads[index] = undefined;
    });
    return thread;
  }

  #end(index: number, thread: Thread): void {
    thread.isEnding = true;
    if (thread.end === "kill") {
      this.killed++;
      void thread.worker.terminate();
    } else {
      this.left++;
      this.#options.counters.setLeave(index, thread.end === "leave" ? LEAVE_SEATS : LEAVE_NOTHING);
    }
  }

  #watch(index: number, thread: Thread, now: number): void {
    const steps = this.#options.counters.steps(index);
    if (steps !== thread.steps) {
      thread.steps = steps;
      thread.steppedAt = now;
    } else if (now - thread.steppedAt > STUCK_MS) this.#fail(index, "is stuck");
  }

  /** Kills all that are left. */
  async end(): Promise<void> {
    const threads = this.#threads.filter((thread) => thread !== undefined);
    for (const thread of threads) thread.isEnding = true;
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}
