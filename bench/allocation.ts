// Bytes allocated per call: used heap and external memory after some calls, less before them.
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { type Contender, pour, spreadOf } from "./measure.ts";

export interface Allocation {
  /** Per unit of the contender. */
  bytes: number;
  /** Whether garbage was collected in between, so that it may have been more. */
  atLeast: boolean;
}

const CALLS_MAX = 16384;
/** Enough to tell from noise, and little enough to fit into the young generation. */
const ENOUGH_BYTES = 400_000;
const REPEATS = 7;

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Undefined without `--expose-gc`. Awaits asynchronous calls, whose promises count too. */
export async function allocationOf(contender: Contender): Promise<Allocation | undefined> {
  const { gc } = globalThis;
  if (!gc) return undefined;
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  let index = 0;
  const once = async (calls: number) => {
    gc();
    // The observer hears of a collection in a later turn: of this one now, of others below.
    await setImmediate();
    collections = 0;
    const before = usedBytes();
    for (let i = 0; i < calls; i++) {
      const value = contender.call(index++);
      pour(typeof value === "number" ? value : await value);
    }
    const bytes = usedBytes() - before;
    await setImmediate();
    return { bytes, collected: collections > 0 };
  };
  observer.observe({ entryTypes: ["gc"] });
  await once(8);
  let calls = 1;
  while (calls < CALLS_MAX) {
    const { bytes, collected } = await once(calls * 2);
    if (collected || bytes > ENOUGH_BYTES) break;
    calls *= 2;
  }
  const runs = [];
  for (let i = 0; i < REPEATS; i++) runs.push(await once(calls));
  observer.disconnect();
  const clean = runs.filter(({ collected }) => !collected);
  const used = clean.length > 0 ? clean : runs;
  const { median } = spreadOf(used.map(({ bytes }) => bytes));
  const bytes = Math.max(0, median) / (calls * (contender.units ?? 1));
  return { bytes, atLeast: clean.length === 0 };
}
