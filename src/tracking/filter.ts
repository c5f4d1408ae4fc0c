import { LRUCache } from "lru-cache";
import { DAY_MILLIS } from "./evaluation.ts";

/** Which evaluations have been tracked within a day, the least recently seen forgotten first. */
export class Filter {
  readonly #seen: LRUCache<string, true>;

  /** @param capacity - evaluations that are remembered; at least one is */
  constructor(capacity: number) {
    this.#seen = new LRUCache({
      // By size, for the room of `max` would be taken at once.
      maxSize: Math.min(Math.max(1, Math.ceil(capacity)), Number.MAX_SAFE_INTEGER),
      sizeCalculation: () => 1,
      ttl: DAY_MILLIS,
      // Without a resolution there is no timer, and the clock can be that of a test.
      ttlResolution: 0,
      perf: { now: () => Date.now() },
    });
  }

  /** Whether an evaluation has been added within a day. It counts as seen just now. */
  has(canonical: string): boolean {
    return this.#seen.get(canonical) !== undefined;
  }

  /** The day begins; it does not begin again when the evaluation is seen again. */
  add(canonical: string): void {
    this.#seen.set(canonical, true);
  }
}
