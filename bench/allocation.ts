// Bytes allocated per call: growth of the used heap and of external memory over some calls.
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
/** Of finding a number of calls that is neither too small nor too large. */
const ATTEMPTS = 4;
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
    // Of the young generation only: a full one can throw away optimised code.
    // The second finishes what the first began: freeing the memory of typed arrays.
    gc({ type: "minor" });
    gc({ type: "minor" });
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
  // What the measuring itself takes.
  const overhead = (await once(0)).bytes;
  let calls = FIRST_CALLS;
  for (let attempt = 0; attempt < ATTEMPTS && calls < CALLS_MAX; attempt++) {
    const { bytes, ms, collected } = await once(calls);
    const fits = Math.min(ENOUGH_BYTES / Math.max(1, bytes - overhead), ENOUGH_MS / ms);
    if (fits < 1 || collected) calls = Math.max(1, calls >> 1);
    else calls = Math.min(CALLS_MAX, Math.floor(calls * Math.min(fits, 32)));
  }
  const runs = [];
  for (let i = 0; i < repeats; i++) runs.push(await once(calls));
  observer.disconnect();
  const clean = runs.filter(({ collected }) => !collected);
  const used = clean.length > 0 ? clean : runs;
  const { median } = spreadOf(used.map(({ bytes }) => bytes));
  const bytes = Math.max(0, median - overhead) / (calls * (contender.units ?? 1));
  return { bytes, atLeast: clean.length === 0 };
}
