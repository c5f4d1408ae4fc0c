/** One timeout at a time, which keeps no process alive. */
export class Timer {
  #handle: ReturnType<typeof setTimeout> | undefined;

  /** Calls back later, instead of what it was set to before. */
  set(millis: number, callback: () => void): void {
    this.clear();
    this.#handle = setTimeout(callback, millis);
    // Only servers have it.
    (this.#handle as { unref?: () => void }).unref?.();
  }

  clear(): void {
    clearTimeout(this.#handle);
  }
}
