// The slowest calls: each single call is timed, so that pauses of the garbage collector show.
import { setImmediate } from "node:timers/promises";
import { type Allocation, allocationOf } from "./allocation.ts";
import { HALYARDS, type Loaded } from "./lanes.ts";
import { type Contender, pour } from "./measure.ts";

/** Times in nanoseconds, each with one reading of the clock in it. */
export interface Tail {
  name: string;
  calls: number;
  median: number;
  p999: number;
  longest: number;
  allocation: Allocation | undefined;
}

const WARMUP_CALLS = 2000;
/** Calls between two looks at Ctrl-C: rare, so that collections fall into calls. */
const CHUNK_CALLS = 50_000;
const SPINS = 1300;
/** Of counting the bytes. */
const REPEATS = 5;
const MS_TO_NS = 1e6;

async function tailOf(contender: Contender, calls: number): Promise<Tail> {
  const { name, call } = contender;
  const times = new Float64Array(calls);
  for (let i = 0; i < Math.min(calls, WARMUP_CALLS); i++) pour(call(i) as number);
  for (let i = 0; i < calls; i++) {
    if (i % CHUNK_CALLS === 0) await setImmediate();
    const begun = performance.now();
    const value = call(i) as number;
    times[i] = performance.now() - begun;
    pour(value);
  }
  times.sort();
  const at = (share: number) => times[Math.floor(share * (calls - 1))] * MS_TO_NS;
  const allocation = await allocationOf(contender, REPEATS);
  return { name, calls, median: at(0.5), p999: at(0.999), longest: at(1), allocation };
}

/** Some microseconds without any garbage: what the machine itself interrupts. */
export function spin(index: number): number {
  let state = index;
  for (let i = 0; i < SPINS; i++) state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
  return state & 1;
}

/**
 * `evaluateAll`, one flag read. For comparison the oracle, with a hundredth of the calls, and
 * arithmetic alone.
 */
export async function measureTails(loaded: Loaded, calls: number): Promise<Tail[]> {
  const { keys, oracle, halyards, workload } = loaded;
  const { contexts } = workload.users;
  const tails: Tail[] = [];
  for (const [lane] of HALYARDS) {
    const engine = halyards[lane];
    const call = (index: number) =>
      Number(engine.evaluateAll(contexts[index % contexts.length]).has(keys[index % keys.length]));
    tails.push(await tailOf({ name: `${lane} evaluateAll`, call }, calls));
  }
  const call = (index: number) =>
    Number(keys[index % keys.length] in oracle.evaluate(contexts[index % contexts.length]));
  tails.push(await tailOf({ name: "oracle evaluate", call }, Math.ceil(calls / 100)));
  tails.push(await tailOf({ name: "arithmetic alone", call: spin }, calls));
  return tails;
}
