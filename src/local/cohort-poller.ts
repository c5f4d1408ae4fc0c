import type { CohortSync } from "./cohort-sync.ts";
import { pause } from "./pause.ts";

export interface CohortPollerOptions {
  cohorts: CohortSync;
  intervalMillis: number;
  /** All have been asked for. */
  onPolled(isChanged: boolean): void;
  onError(error: unknown): void;
}

/** Asks for changed cohorts again and again. */
export class CohortPoller {
  readonly #options: CohortPollerOptions;

  constructor(options: CohortPollerOptions) {
    this.#options = options;
  }

  /** Goes on until `life` is aborted. */
  start(life: AbortSignal): void {
    void this.#keepPolling(life).catch(() => {});
  }

  async #keepPolling(life: AbortSignal): Promise<void> {
    const { cohorts, intervalMillis, onPolled, onError } = this.#options;
    for (;;) {
      await pause(intervalMillis, life);
      try {
        const isChanged = await cohorts.refresh(life);
        life.throwIfAborted();
        onPolled(isChanged);
      } catch (error) {
        life.throwIfAborted();
        onError(error);
      }
    }
  }
}
