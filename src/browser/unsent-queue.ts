import type { ExperimentEvent } from "./plugin.ts";
import type { WebStorage } from "./storage.ts";
import { Timer } from "./timer.ts";

/** The newest events are kept. */
const EVENTS_MAX = 512;
const RETRY_MILLIS = 1000;

/** Answers whether it has taken the event. */
export type Track = (event: ExperimentEvent) => boolean;

/**
 * Events until somebody has taken them. They outlive the page; all pages share what is stored, so
 * it is read anew each time.
 */
export class UnsentQueue {
  readonly #storage: WebStorage;
  readonly #key: string;
  readonly #isKept: () => boolean;
  readonly #timer = new Timer();
  /** What is not stored: because it cannot be, or is yet to be. */
  #events: ExperimentEvent[] = [];
  #track: Track | undefined;
  #isBusy = false;

  /** @param isKept - whether what nobody has taken yet is stored */
  constructor(storage: WebStorage, key: string, isKept: () => boolean) {
    this.#storage = storage;
    this.#key = key;
    this.#isKept = isKept;
  }

  push(event: ExperimentEvent): void {
    this.#events.push(event);
    this.#flush();
  }

  /** Says who takes events from now on. */
  setTracker(track: Track): void {
    this.#track = track;
    this.#flush();
  }

  #flush(): void {
    // Whoever takes an event may cause another one.
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#flushOnce());
    } finally {
      this.#isBusy = false;
    }
  }

  /** Answers whether there may be more to take. */
  #flushOnce(): boolean {
    const isKept = this.#isKept();
    const stored = isKept ? this.#stored() : [];
    const events = [...stored, ...this.#events];
    this.#events = [];
    const taken = this.#offer(events);
    const rest = events.slice(taken).slice(-EVENTS_MAX);
    if (isKept && rest.length > 0 && this.#storage.put(this.#key, JSON.stringify(rest))) {
      this.#wait();
      return false;
    }
    if (stored.length > 0) this.#storage.delete(this.#key);
    this.#events = [...rest, ...this.#events].slice(-EVENTS_MAX);
    if (rest.length > 0) this.#wait();
    return rest.length === 0 && this.#events.length > 0;
  }

  /** How many of the events were taken. */
  #offer(events: readonly ExperimentEvent[]): number {
    const track = this.#track;
    if (!track) return 0;
    const refused = events.findIndex((event) => !track(event));
    return refused === -1 ? events.length : refused;
  }

  #wait(): void {
    if (this.#track) this.#timer.set(RETRY_MILLIS, () => this.#flush());
  }

  #stored(): ExperimentEvent[] {
    const stored = this.#storage.read(this.#key);
    return Array.isArray(stored) ? stored.filter((event) => event?.eventType) : [];
  }
}
