import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MILLIS = 20_000;
const STEP_MILLIS = 5;

/** Waits until something is so; what throws is not so yet. Answers how long it took, in ms. */
export async function eventually(
  what: string,
  isSo: () => unknown | Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  for (let last: unknown; ; await sleep(STEP_MILLIS)) {
    try {
      if (await isSo()) return performance.now() - start;
    } catch (error) {
      last = error;
    }
    if (performance.now() - start > PATIENCE_MILLIS) {
      throw new Error(`it never became so: ${what}`, { cause: last });
    }
  }
}
