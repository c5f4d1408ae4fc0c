import { setTimeout } from "node:timers/promises";
import { MILLIS_MAX } from "../sdk/millis.ts";

/** Waits; throws what the signal is aborted with. */
export async function pause(millis: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(Math.min(millis, MILLIS_MAX), undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
