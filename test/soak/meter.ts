// What a soak holds on to, sample by sample.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export interface Sample {
  /** Bytes of JavaScript's heap that are in use after a collection. */
  heap: number;
  /** Timers, sockets and the like that keep the process alive. */
  handles: number;
  /** Bytes of the core's memory. */
  core: number;
}

/**
 * What may be held after the warm-up, against the most that was held within it: by so many times,
 * and by so much more. What is bounded has come to its bound by then: tables of JavaScript engines,
 * pools of connections, the filter and the queues of tracking, the config and cohorts that are
 * replaced, twice while they are. The rest is chance: more requests at once than before, events
 * that wait because uploads fail several times in a row (a few hundred of 1 KiB each), a cohort
 * that comes together with another. A leak goes on in proportion to the time. Of an evaluation
 * 1 byte would be 36 MB in an hour, of an update 100 bytes 7 MB.
 */
const LIMITS: Readonly<Record<keyof Sample, { times: number; spare: number }>> = {
  heap: { times: 1.1, spare: 4 * 2 ** 20 },
  handles: { times: 1.5, spare: 10 },
  core: { times: 1.5, spare: 2 ** 20 },
};

/** Of a run, in which everything is still growing. */
const WARM_UP = 1 / 3;

export class SoakMeter {
  readonly #coreBytes: () => number;
  readonly first: Sample;
  readonly warm: Sample = { heap: 0, handles: 0, core: 0 };
  readonly most: Sample = { heap: 0, handles: 0, core: 0 };
  #last: Sample;

  constructor(coreBytes: () => number) {
    this.#coreBytes = coreBytes;
    this.first = this.#sample();
    this.#last = this.first;
  }

  get last(): Sample {
    return this.#last;
  }

  /** @param share - how much of the run is done, 0..1 */
  take(share: number): void {
    this.#last = this.#sample();
    const most = share < WARM_UP ? this.warm : this.most;
    for (const what of keys) most[what] = Math.max(most[what], this.#last[what]);
  }

  /** What has grown though it should not; empty = nothing. */
  get faults(): string[] {
    return keys.flatMap((what) => {
      const { times, spare } = LIMITS[what];
      const limit = this.warm[what] * times + spare;
      if (this.most[what] <= limit) return [];
      return [`${what}: at most ${this.warm[what]} in the warm-up, then ${this.most[what]}`];
    });
  }

  #sample(): Sample {
    collect();
    return {
      heap: process.memoryUsage().heapUsed,
      handles: process.getActiveResourcesInfo().length,
      core: this.#coreBytes(),
    };
  }
}

const keys = Object.keys(LIMITS) as (keyof Sample)[];
