import { setTimeout } from "node:timers/promises";

/** Calls a function again and again, never two at a time; keeps no process alive. */
export class FileWatch {
  readonly #look: (signal: AbortSignal) => Promise<void>;
  readonly #intervalMillis: number;

  /** @param look - must not throw */
  constructor(look: (signal: AbortSignal) => Promise<void>, intervalMillis: number) {
    this.#look = look;
    this.#intervalMillis = intervalMillis;
  }

  /** Goes on until `life` is aborted; then resolves. */
  async run(life: AbortSignal): Promise<void> {
    const options = { signal: life, ref: false };
    while (!life.aborted) {
      await setTimeout(this.#intervalMillis, undefined, options).catch(() => {});
      if (!life.aborted) await this.#look(life);
    }
  }
}
