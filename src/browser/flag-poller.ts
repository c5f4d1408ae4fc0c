import { MILLIS_MAX } from "../sdk/millis.ts";

/** Does something time and again, but not before it has done it the last time. */
export class FlagPoller {
  readonly #poll: () => Promise<unknown>;
  readonly #intervalMillis: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isBusy = false;

  /** @param poll - must not reject */
  constructor(intervalMillis: number, poll: () => Promise<unknown>) {
    this.#intervalMillis = Math.min(intervalMillis, MILLIS_MAX);
    this.#poll = poll;
  }

  /** @param isDue - whether it is time already */
  start(isDue: boolean): void {
    this.stop();
    this.#timer = setInterval(() => this.#run(), this.#intervalMillis);
    // Only servers have it.
    (this.#timer as { unref?: () => void }).unref?.();
    if (isDue) this.#run();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    await this.#poll();
    this.#isBusy = false;
  }
}
