// The parts whose processes and threads are made for them: cohorts by the million, shared memory.
import { measureCompact } from "./compact.ts";
import { measureDelay } from "./delay.ts";
import { measureLookup } from "./lookup.ts";
import { measureMembers } from "./members.ts";
import { measurePace } from "./pace.ts";
import type { Part, Progress, Scale } from "./part.ts";
import { measurePauses } from "./pauses.ts";
import { measureResident } from "./resident.ts";
import { measureThroughput } from "./throughput.ts";

const FULL: Scale = {
  crowd: { cohorts: 10, members: 1_000_000 },
  rows: { rounds: 11, time: 60, warmup: 25 },
  users: 16_384,
  allocationRepeats: 5,
  repeats: 3,
  workers: [1, 2, 4, 8],
  callsPerWorker: 40_000,
  clientCallsPerWorker: 4000,
  windowRounds: 12,
  window: 500,
  replaced: 100_000,
  requests: 1_500_000,
};
const QUICK: Scale = {
  crowd: { cohorts: 10, members: 2000 },
  rows: { rounds: 2, time: 5, warmup: 3 },
  users: 64,
  allocationRepeats: 1,
  repeats: 1,
  workers: [1, 2],
  callsPerWorker: 64,
  clientCallsPerWorker: 64,
  windowRounds: 1,
  window: 60,
  replaced: 1000,
  requests: 5000,
};

const MEASURES = {
  C: measureCompact,
  W6: measureLookup,
  M1: measureMembers,
  M2: measureResident,
  T1: measurePace,
  T2: measureThroughput,
  T3: measureDelay,
  pauses: measurePauses,
};

export const THREAD_PARTS = Object.keys(MEASURES);

/** Of a short run nothing is demanded: small cohorts fit into the processor's cache. */
export async function measureThreads(
  isQuick: boolean,
  wanted: (part: string) => boolean,
  progress: Progress,
): Promise<Part> {
  const found: Part = { sections: [], verdicts: [], rows: [] };
  for (const [name, measurePart] of Object.entries(MEASURES)) {
    if (!wanted(name)) continue;
    const part = await measurePart(isQuick ? QUICK : FULL, progress);
    found.sections.push(...part.sections);
    found.rows.push(...part.rows);
    if (!isQuick) found.verdicts.push(...part.verdicts);
  }
  return found;
}
