// A soak: a client evaluates all the time while whatever it depends on changes and fails.
import { setTimeout as sleep } from "node:timers/promises";
import { LocalEvaluationClient } from "halyard";
import { type Random, seededRandom } from "../random.ts";
import { SoakMeter } from "./meter.ts";
import { COHORT_FLAG, FLAG_COUNT, type SoakCounts, SoakServer } from "./server.ts";

const UPDATE_MILLIS = 50;
const EVALUATIONS_PER_MILLI = 10;
/** What is made up for at most, if the process has not been let run. */
const EVALUATIONS_AT_ONCE_MAX = 5_000;
/** Each is an event for each flag. */
const TRACKED = 0.001;
const SAMPLE_MILLIS = 2_000;
/** Within so long the client must have the last flags when they do not change any more. */
const SETTLE_MILLIS = 60_000;

export interface SoakOptions {
  seed: number;
  snapshotPath: string;
  /** How much of the run is done, 0..1. */
  share: () => number;
  onProgress?: (run: SoakRun) => void;
}

export class SoakRun {
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #server: SoakServer;
  #client: LocalEvaluationClient | undefined;
  #meter: SoakMeter | undefined;
  evaluations = 0;
  updates = 0;
  errors = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#server = new SoakServer(this.#random);
  }

  get meter(): SoakMeter | undefined {
    return this.#meter;
  }

  get counts(): SoakCounts {
    return this.#server.counts;
  }

  get droppedEvents(): number {
    return this.#client?.status().droppedEvents ?? 0;
  }

  get version(): number {
    return this.#server.version;
  }

  /** @throws Error that says what went wrong */
  async run(): Promise<void> {
    const client = await this.#start();
    const updates = setInterval(() => this.#server.update(), UPDATE_MILLIS);
    try {
      await this.#evaluateAll(client);
      clearInterval(updates);
      await this.#settle(client);
    } finally {
      clearInterval(updates);
      await client.stop();
      this.#server.close();
    }
    const [fault] = this.#meter!.faults;
    if (fault) throw new Error(fault);
  }

  async #start(): Promise<LocalEvaluationClient> {
    const url = await this.#server.listen();
    const keys = { apiKey: "api-key", secretKey: "secret-key" };
    const uploads = { flushIntervalMillis: 100, flushMaxRetries: 3, cacheCapacity: 200 };
    const client = new LocalEvaluationClient("deployment-key", {
      logLevel: 0,
      serverUrl: url,
      streamServerUrl: url,
      streamUpdates: true,
      flagConfigPollingIntervalMillis: 20,
      cohortSyncConfig: { ...keys, cohortServerUrl: url },
      exposureConfig: { apiKey: keys.apiKey, serverUrl: `${url}/2/httpapi`, ...uploads },
      snapshotPath: this.#options.snapshotPath,
      shared: true,
    });
    client.on("update", () => this.updates++);
    client.on("error", () => this.errors++);
    this.#client = client;
    const { memory } = client.handle();
    this.#meter = new SoakMeter(() => memory.buffer.byteLength);
    await client.start();
    return client;
  }

  async #evaluateAll(client: LocalEvaluationClient): Promise<void> {
    const start = performance.now();
    let due = 0;
    let sampledAt = start;
    for (let share = 0; share < 1; share = this.#options.share()) {
      await sleep(5);
      const now = performance.now();
      const asked = (now - start) * EVALUATIONS_PER_MILLI;
      due = Math.max(due, asked - EVALUATIONS_AT_ONCE_MAX);
      for (; due < asked; due++) this.#evaluate(client);
      if (now - sampledAt < SAMPLE_MILLIS) continue;
      sampledAt = now;
      this.#meter!.take(share);
      this.#options.onProgress?.(this);
    }
  }

  #evaluate(client: LocalEvaluationClient): void {
    const random = this.#random;
    const userId = random.chance(0.5) ? "in all" : `user-${random.int(1e9)}`;
    const tracksExposure = random.chance(TRACKED);
    const variants = client.evaluateV2({ user_id: userId }, undefined, { tracksExposure });
    this.evaluations++;
    const { key } = variants["flag-0"] ?? {};
    for (let flag = 0; flag < FLAG_COUNT; flag++) {
      const other = variants[`flag-${flag}`]?.key;
      if (key !== undefined && key === other) continue;
      throw new Error(`flag-0 is ${key}, and flag-${flag} of the same evaluation is ${other}`);
    }
    if (userId !== "in all" && variants[COHORT_FLAG]) throw new Error(`${userId} is in a cohort`);
  }

  async #settle(client: LocalEvaluationClient): Promise<void> {
    const expected = `v${this.#server.version}`;
    const end = performance.now() + SETTLE_MILLIS;
    while (client.evaluateV2({ user_id: "u" })["flag-0"]?.key !== expected) {
      if (performance.now() > end) throw new Error(`the flags do not come to be ${expected}`);
      await sleep(20);
    }
  }
}
