import { setTimeout } from "node:timers/promises";

/** A longer timer would end at once. */
export const MILLIS_MAX = 2 ** 31 - 1;

/** Waits; throws what the signal is aborted with. */
export async function pause(millis: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(Math.min(millis, MILLIS_MAX), undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
