// A stress run: an owner publishes, readers in threads of their own ask, and are killed and begun
// again all the while.
import { setTimeout as sleep } from "node:timers/promises";
import { Engine } from "halyard/engine";
import { type Random, seededRandom } from "../random.ts";
import { StressCounters } from "./counters.ts";
import { flagKey, StressPlan } from "./plan.ts";
import { StressPublisher } from "./publisher.ts";
import { seatsLeft } from "./seats.ts";
import { StressThreads } from "./threads.ts";

export interface StressOptions {
  seed: number;
  workers: number;
  /** How much of the run is done after so many publications, 0..1; 1 = all. */
  share: (publications: number) => number;
  onProgress?: (run: StressRun) => void;
}

export interface StressSummary {
  publications: number;
  cohortVersions: number;
  /** By reader, whoever has been in its place. */
  evaluations: number[];
  started: number;
  killed: number;
  left: number;
  slowestAttach: number;
  /** Bytes of the core's memory: at the start, the most in the first third, now. */
  memory: { start: number; third: number; end: number };
  /** Ever taken; those that readers hold who are gone. */
  seats: { taken: number; lost: number };
  rss: number;
}

/**
 * What memory may grow to after the first third: so many times the most that it was then, and so
 * many bytes more. By then all sizes of configs and cohorts have come, and readers have been killed
 * at every point. If what a dead reader kept from being freed, or its seat's memory of 64 KiB or
 * more, were lost for good, that would go on in proportion to the kills: to thrice as much, and
 * beyond any constant. What remains is chance: more evaluations nested at once than ever before,
 * each with a seat, and large cohorts that come together while a reader sleeps on older ones.
 */
const GROWTH_MAX = 1.5;
const GROWTH_SPARE = 4 * 2 ** 20;
/** Publications after the last reader is gone, in which its seats must be found out. */
const EPILOGUE_MIN = 20;
const PACE_EVERY = 50;

export class StressRun {
  readonly #options: StressOptions;
  readonly #random: Random;
  readonly #plan: StressPlan;
  readonly #counters: StressCounters;
  readonly #engine: Engine;
  readonly #publisher: StressPublisher;
  readonly #threads: StressThreads;
  readonly #memoryAtStart: number;
  #memoryOfThird = 0;
  /** Milliseconds between two publications; 0 = as fast as it goes. */
  #pace = 0;

  constructor(options: StressOptions) {
    const { seed, workers } = options;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#plan = new StressPlan(seed);
    this.#counters = StressCounters.forReaders(workers);
    this.#engine = Engine.loadSync(this.#plan.flags(0), { shared: true });
    this.#memoryAtStart = this.#engine.memoryBytes;
    const shared = { plan: this.#plan, counters: this.#counters, random: this.#random };
    this.#publisher = new StressPublisher({ ...shared, engine: this.#engine });
    const halyard = this.#engine.handle();
    this.#threads = new StressThreads({ ...shared, seed, halyard, workers });
  }

  /** @throws Error that says what went wrong */
  async run(): Promise<StressSummary> {
    try {
      for (let share = 0; share < 1; share = this.#options.share(this.#publisher.count)) {
        await this.#publishOnce();
        this.#threads.tend();
        if (share < 1 / 3) this.#memoryOfThird = this.#engine.memoryBytes;
        this.#options.onProgress?.(this);
      }
    } finally {
      await this.#threads.end();
    }
    this.#threads.check();
    const { memoryBytes } = this.#engine;
    if (memoryBytes > this.#memoryOfThird * GROWTH_MAX + GROWTH_SPARE) {
      throw new Error(`memory grew from ${this.#memoryOfThird} to ${memoryBytes} bytes`);
    }
    this.#expectSeatsBack();
    return this.summary;
  }

  /** All readers are gone: none of their seats may hold an old root for good. */
  #expectSeatsBack(): void {
    // An owner may ask ever more rarely who has long stood in its way.
    let left = this.#publisher.count + EPILOGUE_MIN;
    while (this.summary.seats.lost > 0) {
      if (left-- === 0) throw new Error(`${this.summary.seats.lost} seats are not given back`);
      this.#engine.setCohort("epilogue", "User", []);
    }
  }

  async #publishOnce(): Promise<void> {
    if (this.#publisher.count % PACE_EVERY === 0) {
      this.#pace = this.#random.pick([0, 0, 0, 1, 5]);
    }
    const publication = await this.#publisher.publish();
    this.#checkOwn(publication);
    // Ends of threads, and what they say, are only heard of between turns of the event loop.
    if (this.#pace > 0) await sleep(this.#pace);
    else if (this.#random.chance(0.2)) await new Promise((next) => setImmediate(next));
  }

  /** The owner sees its own publications at once. */
  #checkOwn(publication: number): void {
    const version = this.#plan.versionAt(publication);
    const context = { user: { user_id: "user-1" } };
    const payload = this.#engine.variant(context, flagKey(0))?.payload as { version: number };
    if (payload?.version === version) return;
    throw new Error(`owner: expected version ${version}, got ${payload?.version}`);
  }

  get summary(): StressSummary {
    const { started, killed, left } = this.#threads;
    const indexes = Array.from({ length: this.#options.workers }, (_, index) => index);
    return {
      publications: this.#publisher.count,
      cohortVersions: this.#publisher.cohortVersions,
      evaluations: indexes.map((index) => this.#counters.evaluations(index)),
      started,
      killed,
      left,
      slowestAttach: Math.max(...indexes.map((index) => this.#counters.attachMilliseconds(index))),
      memory: {
        start: this.#memoryAtStart,
        third: this.#memoryOfThird,
        end: this.#engine.memoryBytes,
      },
      seats: seatsLeft(this.#engine.handle().memory),
      rss: process.memoryUsage.rss(),
    };
  }
}
