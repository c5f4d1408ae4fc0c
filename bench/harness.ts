// The same contenders under a second harness, Benchmark.js: a figure that depends on who measures
// is no figure.
import { setImmediate } from "node:timers/promises";
import Benchmark from "benchmark";
import { type Budget, type Contender, type Measured, pour, ratioOf, spreadOf } from "./measure.ts";
import { Random } from "./random.ts";

export interface Comparison {
  name: string;
  /** Nanoseconds: by tinybench, by Benchmark.js. */
  medians: [number, number];
  ratios: [number, number];
  mediansAgree: boolean;
  ratiosAgree: boolean;
}

const TOLERANCE = 0.15;
const ROUNDS = 5;
const S_TO_NS = 1e9;

function agree([a, b]: [number, number]): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.min(a, b);
}

function sampleOf({ name, call, units = 1 }: Contender, budget: Budget): number {
  let index = 0;
  // Bound, because Benchmark.js copies the source of a function where it can read it, and a copy
  // does not see what this one closes over.
  const run = (() => pour(call(index++) as number)).bind(null);
  const maxTime = budget.time / 1e3;
  const options = { maxTime, minTime: maxTime / 10, minSamples: 5 };
  const { stats, error } = new Benchmark(name, run, options).run({ async: false });
  if (error) throw new Error(`${name}: ${error}`);
  return (spreadOf(stats.sample).median * S_TO_NS) / units;
}

/** Synchronous contenders only. */
export async function compareHarnesses(
  contenders: readonly Contender[],
  measured: readonly Measured[],
  budget: Budget,
): Promise<Comparison[]> {
  const random = new Random(2);
  const again = contenders.map(({ name }): Measured => ({ name, medians: [], p99s: [] }));
  for (let round = 0; round < Math.min(ROUNDS, budget.rounds); round++) {
    for (const at of random.shuffle([...contenders.keys()])) {
      globalThis.gc?.();
      again[at].medians.push(sampleOf(contenders[at], budget));
      await setImmediate();
    }
  }
  return again.map((entry, at) => {
    const medians: [number, number] = [
      spreadOf(measured[at].medians).median,
      spreadOf(entry.medians).median,
    ];
    const ratios: [number, number] = [
      ratioOf(measured[0], measured[at]).median,
      ratioOf(again[0], entry).median,
    ];
    const verdict = { mediansAgree: agree(medians), ratiosAgree: agree(ratios) };
    return { name: entry.name, medians, ratios, ...verdict };
  });
}
