// What a process takes up once it has come to rest.
import { setTimeout } from "node:timers/promises";

/** Bytes. */
export interface Footprint {
  resident: number;
  /** Of this thread's JavaScript heap. */
  heap: number;
}

const PAUSE_MS = 40;
/** Of looking whether the resident memory still shrinks. */
const LOOKS_MAX = 30;
const CALM_LOOKS = 5;
const CALM_BYTES = 65536;

/** Collects what is garbage. Twice: the second time frees what the first has finalised. */
export async function collect(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await setTimeout(PAUSE_MS);
  }
}

/** The footprint when it has not shrunk for a while. */
export async function settledFootprint(): Promise<Footprint> {
  await collect();
  let resident = process.memoryUsage.rss();
  for (let look = 0, calm = 0; look < LOOKS_MAX && calm < CALM_LOOKS; look++) {
    await setTimeout(PAUSE_MS);
    const now = process.memoryUsage.rss();
    calm = now < resident - CALM_BYTES ? 0 : calm + 1;
    resident = Math.min(resident, now);
  }
  return { resident, heap: process.memoryUsage().heapUsed };
}

/** What has come on top. */
export function growthOf(before: Footprint, after: Footprint): Footprint {
  return { resident: after.resident - before.resident, heap: after.heap - before.heap };
}
