// Contenders sampled by tinybench in interleaved rounds, so that a slow phase of the machine
// hits all of them and each ratio compares neighbours in time.
import { Bench } from "tinybench";
import { Random } from "./fixture.ts";

export interface Contender {
  name: string;
  /** One call; `index` counts up. The number returned goes into the sink. */
  call(index: number): number;
}

export interface Budget {
  rounds: number;
  /** Milliseconds per contender and round. */
  time: number;
  warmup: number;
}

/** Times in nanoseconds per call. */
export interface Measured {
  name: string;
  median: number;
  /** Median over rounds; of the means of `batch` calls. */
  p99: number;
  /** Lowest and highest median of a round. */
  spread: [number, number];
  /** Median over rounds of the first contender's time by this one's: above 1 is faster. */
  ratio: number;
  /** Lowest and highest ratio of a round. */
  ratioSpread: [number, number];
  /** Calls per sample. */
  batch: number;
}

interface Runner {
  name: string;
  batch: number;
  run(): void;
  medians: number[];
  p99s: number[];
}

/** A sample takes at least this long, so that reading the clock does not count. */
const SAMPLE_MS = 0.02;
const MS_TO_NS = 1e6;

/** What all calls returned, added up: nothing measured can be optimised away. */
export let sink = 0;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function range(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function runnerOf({ name, call }: Contender, warmup: number): Runner {
  let index = 0;
  const runner: Runner = {
    name,
    batch: 1,
    medians: [],
    p99s: [],
    run() {
      for (let i = 0; i < runner.batch; i++) sink = (sink + call(index++)) >>> 0;
    },
  };
  const perCall = () => {
    const begun = performance.now();
    let calls = 0;
    for (; performance.now() - begun < warmup; calls++) runner.run();
    return (performance.now() - begun) / calls;
  };
  perCall();
  runner.batch = Math.max(1, Math.ceil(SAMPLE_MS / perCall()));
  return runner;
}

function sample(runner: Runner, { time, warmup }: Budget): void {
  globalThis.gc?.();
  const options = { time, warmupTime: warmup, iterations: 8, warmupIterations: 4, throws: true };
  const bench = new Bench(options).add(runner.name, runner.run);
  const [task] = bench.runSync();
  if (task.result.state !== "completed") throw new Error(`${runner.name}: ${task.result.state}`);
  const { p50, p99 } = task.result.latency;
  runner.medians.push((p50 * MS_TO_NS) / runner.batch);
  runner.p99s.push((p99 * MS_TO_NS) / runner.batch);
}

/** The first contender is the one the others are compared with. */
export function measure(contenders: readonly Contender[], budget: Budget): Measured[] {
  const random = new Random(1);
  const runners = contenders.map((contender) => runnerOf(contender, budget.warmup));
  for (let round = 0; round < budget.rounds; round++) {
    for (const runner of random.shuffle(runners)) sample(runner, budget);
  }
  const base = runners[0].medians;
  return runners.map(({ name, batch, medians, p99s }) => {
    const ratios = medians.map((time, round) => base[round] / time);
    return {
      name,
      batch,
      median: median(medians),
      p99: median(p99s),
      spread: range(medians),
      ratio: median(ratios),
      ratioSpread: range(ratios),
    };
  });
}
