import type { CohortState } from "./cohort-sync.ts";
import type { FlagSource } from "./flag-feed.ts";

/** How a client is doing. */
export interface ClientStatus {
  /** Between `start()` and `stop()`. */
  readonly isStarted: boolean;
  /** Of the flags that are live: 16 hexadecimal digits. */
  readonly digest: string;
  readonly flagCount: number;
  /** undefined = no flags have come yet */
  readonly source: FlagSource | undefined;
  /** When the server last gave the flags or confirmed them, in ms; of a snapshot, when it was. */
  readonly confirmedAt: number | undefined;
  /** Milliseconds since then. */
  readonly ageMillis: number | undefined;
  /** Whether the flags should have been confirmed since. */
  readonly isStale: boolean;
  /** Why the last attempt to have flags failed; undefined = it did not. */
  readonly lastError: string | undefined;
  readonly cohorts: readonly CohortState[];
  /** Events of tracking that are lost. */
  readonly droppedEvents: number;
}
