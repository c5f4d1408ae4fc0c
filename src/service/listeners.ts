import { Log } from "../sdk/log.ts";

/** Whoever is to be told of changes. */
export class Listeners {
  readonly #listeners = new Set<() => void>();
  readonly #log: Log;

  /** @param log - of who throws. Default: the console */
  constructor(log = new Log({}, [])) {
    this.#log = log;
  }

  /** Answers how to end that. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls all of them. A source goes on, and tells the others, whoever throws. */
  tell(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#log.error("a listener has failed", error);
      }
    }
  }
}
