import type { Log } from "../../sdk/log.ts";
import { printable } from "../../sdk/printable.ts";

/** What is wrong now, by place; it is logged when it is new. */
export class Complaints {
  readonly #log: Log;
  readonly #messages = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** One line each. */
  get messages(): string[] {
    return [...this.#messages.values()];
  }

  has(place: string): boolean {
    return this.#messages.has(place);
  }

  /** Answers whether it is new. */
  report(place: string, error: unknown): boolean {
    const message = printable(error instanceof Error ? error.message : String(error));
    if (this.#messages.get(place) === message) return false;
    this.#messages.set(place, message);
    this.#log.error(message);
    return true;
  }

  /** Nothing is wrong with it any more. Answers whether something was. */
  settle(place: string): boolean {
    if (!this.#messages.delete(place)) return false;
    this.#log.info(`${printable(place)}: mended`);
    return true;
  }

  /** Of places that are not there any more. Answers whether something was wrong with one. */
  settleAllBut(isThere: (place: string) => boolean): boolean {
    const gone = [...this.#messages.keys()].filter((place) => !isThere(place));
    for (const place of gone) this.settle(place);
    return gone.length > 0;
  }
}
