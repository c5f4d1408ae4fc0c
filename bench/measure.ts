// Contenders sampled by tinybench in interleaved rounds, so that a slow phase of the machine hits
// all of them and each ratio compares neighbours in time.
import { setImmediate } from "node:timers/promises";
import { Bench } from "tinybench";
import { Random } from "./random.ts";

export interface Contender {
  name: string;
  /** One call; `index` counts up. The number returned goes into the sink. */
  call(index: number): number | Promise<number>;
  /** Whether `call` returns promises. */
  async?: boolean;
  /** How many calls' worth of work one call does; times are per unit. Default: 1. */
  units?: number;
}

export interface Budget {
  rounds: number;
  /** Milliseconds per contender and round. */
  time: number;
  warmup: number;
}

/** Times in nanoseconds per call, by round. */
export interface Measured {
  name: string;
  medians: number[];
  /** Of samples of at least 0.02 ms, each the mean of its calls. */
  p99s: number[];
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

interface Runner extends Measured {
  batch: number;
  units: number;
  async: boolean;
  run(): void | Promise<void>;
}

/** A sample takes at least this long, so that reading the clock does not count. */
const SAMPLE_MS = 0.02;
const MS_TO_NS = 1e6;

/** What all calls returned, added up: nothing measured can be optimised away. */
let sink = 0;

export function pour(value: number): void {
  sink = (sink + value) >>> 0;
}

export function sunk(): number {
  return sink;
}

/** Lowest, highest and middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const odd = sorted.length % 2 === 1;
  const median = odd ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, low: sorted[0], high: sorted[sorted.length - 1] };
}

/** Over the rounds: the time of `base` by the time of `other`. Above 1: `other` is faster. */
export function ratioOf(base: Measured, other: Measured): Spread {
  return spreadOf(other.medians.map((time, round) => base.medians[round] / time));
}

function runnerOf({ name, call, async = false, units = 1 }: Contender): Runner {
  let index = 0;
  const runner: Runner = { name, async, units, batch: 1, medians: [], p99s: [], run };
  // A function each, not a method shared by all: V8 then optimises it for this contender alone.
  function run(): void {
    for (let i = 0; i < runner.batch; i++) pour(call(index++) as number);
  }
  async function runAsync(): Promise<void> {
    for (let i = 0; i < runner.batch; i++) pour(await call(index++));
  }
  if (async) runner.run = runAsync;
  return runner;
}

async function settleBatch(runner: Runner, warmup: number): Promise<void> {
  const perCall = async () => {
    const begun = performance.now();
    let calls = 0;
    for (; performance.now() - begun < warmup; calls++) {
      const pending = runner.run();
      if (pending) await pending;
    }
    return (performance.now() - begun) / calls;
  };
  await perCall();
  runner.batch = Math.max(1, Math.ceil(SAMPLE_MS / (await perCall())));
}

async function sample(runner: Runner, { time, warmup }: Budget): Promise<void> {
  globalThis.gc?.();
  const options = { time, warmupTime: warmup, iterations: 5, warmupIterations: 2, throws: true };
  const bench = new Bench(options).add(runner.name, runner.run);
  const [task] = runner.async ? await bench.run() : bench.runSync();
  if (task.result.state !== "completed") throw new Error(`${runner.name}: ${task.result.state}`);
  const { p50, p99 } = task.result.latency;
  const perUnit = MS_TO_NS / (runner.batch * runner.units);
  runner.medians.push(p50 * perUnit);
  runner.p99s.push(p99 * perUnit);
  // Lets Ctrl-C through.
  await setImmediate();
}

export async function measure(
  contenders: readonly Contender[],
  budget: Budget,
): Promise<Measured[]> {
  const random = new Random(1);
  const runners = contenders.map(runnerOf);
  for (const runner of runners) await settleBatch(runner, budget.warmup);
  for (let round = 0; round < budget.rounds; round++) {
    for (const runner of random.shuffle(runners)) await sample(runner, budget);
  }
  return runners.map(({ name, medians, p99s }) => ({ name, medians, p99s }));
}
