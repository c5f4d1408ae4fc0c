// The thread of a stress run's reader: asks without pause until it is told to leave, or killed.
import { parentPort, workerData } from "node:worker_threads";
import type { EngineHandle } from "halyard/engine";
import { seededRandom } from "../random.ts";
import { LEAVE_SEATS, StressCounters } from "./counters.ts";
import { StressPlan } from "./plan.ts";
import { StressReader } from "./reader.ts";

/** What a reader is given. */
export interface ReaderData {
  halyard: EngineHandle;
  counters: SharedArrayBuffer;
  index: number;
  planSeed: number;
  seed: number;
}

/** Some turns of the event loop take long: the thread hears of nothing meanwhile. */
const STEPS_PER_TURN = [1, 20, 20, 1000];

async function read({ halyard, counters, index, planSeed, seed }: ReaderData): Promise<void> {
  const shared = new StressCounters(counters);
  const random = seededRandom(seed);
  const plan = new StressPlan(planSeed);
  const reader = new StressReader({ index, handle: halyard, plan, random, counters: shared });
  while (true) {
    for (let steps = random.pick(STEPS_PER_TURN); steps > 0; steps--) {
      const way = shared.leave(index);
      if (way === LEAVE_SEATS) reader.leave();
      if (way !== 0) return;
      await reader.step();
    }
    await new Promise((next) => setImmediate(next));
  }
}

try {
  await read(workerData as ReaderData);
} catch (error) {
  const { name, message, stack } = error as Error;
  parentPort?.postMessage(name === "Violation" ? message : (stack ?? String(error)));
}
