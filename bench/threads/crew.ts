// The threads of a measurement.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Count, Request, Start, Times } from "./worker.ts";

/** This file runs from dist, and so does that one. */
const FILE = new URL("./worker.js", import.meta.url);
/** What Sets of millions of ids need. */
const HEAP_MEGABYTES = 4096;

export class Crew {
  readonly #workers: Worker[] = [];

  /** One more, that is ready. */
  async add(workerData: Start): Promise<number> {
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MEGABYTES };
    const worker = new Worker(FILE, { workerData, resourceLimits });
    // Rejects if it fails.
    await once(worker, "message");
    return this.#workers.push(worker) - 1;
  }

  async #ask(member: number, request: Request): Promise<unknown> {
    const worker = this.#workers[member];
    const answered = once(worker, "message");
    worker.postMessage(request);
    return (await answered)[0];
  }

  /** Evaluates so many users, and collects its garbage. */
  async evaluate(member: number, calls: number): Promise<void> {
    await this.#ask(member, { what: "calls", calls });
  }

  /** Evaluations per millisecond of some members who work at the same time. */
  async rateOf(members: readonly number[], window: number): Promise<number> {
    const counts = members.map((member) => this.#ask(member, { what: "count", window }));
    const found = (await Promise.all(counts)) as Count[];
    return found.reduce((sum, { calls, time }) => sum + calls / time, 0);
  }

  async times(member: number, window: number): Promise<Times> {
    return (await this.#ask(member, { what: "times", window })) as Times;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
