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
const FIRST_CALLS = 4;
/** Before anything is counted: code that is not optimised yet allocates more. */
const WARMUP_MS = 10;
/** Enough to tell from noise, and little enough to fit into the young generation. */
const ENOUGH_BYTES = 400_000;
const ENOUGH_MS = 50;

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Undefined without `--expose-gc`. Awaits asynchronous calls, whose promises count too. */
export async function allocationOf(
  contender: Contender,
  repeats: number,
): Promise<Allocation | undefined> {
  const { gc } = globalThis;
  if (!gc) return undefined;
  const collections: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) collections.push(startTime);
  });
  observer.observe({ entryTypes: ["gc"] });
  let index = 0;
  const once = async (calls: number) => {
    gc();
    const before = usedBytes();
    const begun = performance.now();
    for (let i = 0; i < calls; i++) {
      const value = contender.call(index++);
      pour(typeof value === "number" ? value : await value);
    }
    const ended = performance.now();
    const bytes = usedBytes() - before;
    // The observer hears of collections in later turns.
    await setImmediate();
    await setImmediate();
    return {
      bytes,
      ms: ended - begun,
      collected: collections.some((at) => at >= begun && at < ended),
    };
  };
  const warm = performance.now() + WARMUP_MS;
  while (performance.now() < warm) await contender.call(index++);
  const first = await once(FIRST_CALLS);
  const fits = Math.min(ENOUGH_BYTES / Math.max(1, first.bytes), ENOUGH_MS / first.ms);
  const wanted = first.collected ? 1 : Math.floor(FIRST_CALLS * fits);
  const calls = Math.min(CALLS_MAX, Math.max(1, wanted));
  const runs = [];
  for (let i = 0; i < repeats; i++) runs.push(await once(calls));
  observer.disconnect();
  const clean = runs.filter(({ collected }) => !collected);
  const used = clean.length > 0 ? clean : runs;
  const { median } = spreadOf(used.map(({ bytes }) => bytes));
  const bytes = Math.max(0, median) / (calls * (contender.units ?? 1));
  return { bytes, atLeast: clean.length === 0 };
}
