// What stands between evaluations and the analytics SDK: it takes events at once, and bounds them.

import { setTimeout as sleep } from "node:timers/promises";
import { type Log, reasonOf } from "../sdk/log.ts";
import type { Analytics, AnalyticsEvent, Outcome } from "./analytics.ts";

/** Events that wait for the SDK to open, or to take more. */
const WAITING_MAX = 10_000;
/** Events in the SDK, which has no bound of its own. */
const SENT_MAX = 10_000;
/** Events that are made and handed over before others may run. */
const BATCH = 50;
/** Milliseconds without a loss after which the next one is news. */
const CALM_MILLIS = 60_000;
/** Milliseconds between two looks at what the SDK has done: it does not say. */
const FLUSH_MILLIS = 10;

/** Events that are made when there is time. */
export interface Pending {
  count: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  events(): readonly AnalyticsEvent[];
}

/** Events with the same insert_id: of two the SDK may forget one, when the other is uploaded. */
interface Sent {
  count: number;
  readonly number: number;
}

/** A bounded queue of events, in front of the SDK and within it. */
export class Sink {
  readonly #name: string;
  readonly #log: Log;
  readonly #open: () => Promise<Analytics>;
  #opening: Promise<Analytics> | undefined;
  #analytics: Analytics | undefined;
  #stopping: Promise<void> | undefined;
  #isFailed = false;

  #waiting: (Pending & { readonly number: number })[] = [];
  #waitingEvents = 0;
  /** By insert_id, the oldest first. */
  #sent = new Map<string, Sent>();
  #sentEvents = 0;
  #added = 0;
  #isScheduled = false;

  #dropped = 0;
  #lossAt = -Infinity;

  /** @param name - of what is sent, for log lines */
  constructor(name: string, log: Log, open: () => Promise<Analytics>) {
    this.#name = name;
    this.#log = log;
    this.#open = open;
    this.start();
  }

  /** Events that found no room, were refused, or were not uploaded when tracking ended. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Opens the SDK unless it is open. */
  start(): void {
    if (this.#opening) return;
    const opening = this.#open();
    this.#opening = opening;
    this.#isFailed = false;
    opening.then(
      (analytics) => {
        if (this.#opening !== opening) return analytics.end();
        this.#analytics = analytics;
        this.#schedule();
      },
      (error) => {
        if (this.#opening === opening) this.#fail(error);
      },
    );
  }

  /** @returns whether the events are taken; if not, they are dropped. Always false once stopped. */
  add(pending: Pending): boolean {
    if (!this.#opening || this.#stopping) return false;
    if (this.#isFailed) return this.drop(pending.count, "tracking does not work");
    if (this.#waitingEvents + pending.count > WAITING_MAX && this.#waitingEvents > 0) {
      return this.drop(pending.count, `more than ${WAITING_MAX} wait to be sent`);
    }
    this.#waiting.push({ ...pending, number: this.#added++ });
    this.#waitingEvents += pending.count;
    this.#schedule();
    return true;
  }

  /** Counts lost events, and says so unless it has just been said. */
  drop(count: number, reason: string): false {
    const now = performance.now();
    if (now - this.#lossAt > CALM_MILLIS) {
      const before = this.#dropped ? `, ${this.#dropped} before` : "";
      this.#log.error(`${this.#name}: events are lost${before}; evaluation goes on: ${reason}`);
    }
    this.#lossAt = now;
    this.#dropped += count;
    return false;
  }

  /** Resolves once what was added before has been uploaded or dropped, at the latest when told. */
  async flush(timeoutMillis: number): Promise<void> {
    const mark = this.#added;
    const start = performance.now();
    let next = 0;
    for (;;) {
      const passed = performance.now() - start;
      if (this.#oldest() >= mark || passed >= timeoutMillis) return;
      // A flush passes over events that are not in the SDK yet, or that are just being uploaded,
      // so there is more than one. But each sets back the time at which the SDK tries again.
      if (passed >= next && this.#sentEvents > 0) {
        next = 2 * passed + FLUSH_MILLIS;
        void this.#analytics?.flush();
      }
      await sleep(Math.min(timeoutMillis - passed, FLUSH_MILLIS));
    }
  }

  /** Uploads what it can in that time, and drops the rest. */
  stop(timeoutMillis: number): Promise<void> {
    if (!this.#opening) return Promise.resolve();
    this.#stopping ??= this.#stop(timeoutMillis);
    return this.#stopping;
  }

  async #stop(timeoutMillis: number): Promise<void> {
    await this.flush(timeoutMillis);
    this.#analytics?.end();
    this.#analytics = undefined;
    this.#opening = undefined;
    this.#stopping = undefined;
    this.#clear("not sent before the end");
    if (this.#dropped) this.#log.warn(`${this.#name}: ${this.#dropped} events were lost`);
  }

  #fail(error: unknown): void {
    this.#isFailed = true;
    this.drop(0, reasonOf(error));
    this.#clear("tracking does not work");
  }

  #clear(reason: string): void {
    const lost = this.#waitingEvents + this.#sentEvents;
    this.#waiting = [];
    this.#waitingEvents = 0;
    this.#sent = new Map();
    this.#sentEvents = 0;
    if (lost) this.drop(lost, reason);
  }

  /** The number of the first addition that is not through. */
  #oldest(): number {
    const [first] = this.#sent.values();
    return first?.number ?? this.#waiting[0]?.number ?? Infinity;
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#analytics || this.#waiting.length === 0) return;
    if (this.#sentEvents >= SENT_MAX) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#sendSome();
      this.#schedule();
    });
  }

  #sendSome(): void {
    for (let sent = 0; sent < BATCH && this.#sentEvents < SENT_MAX; ) {
      const pending = this.#waiting.shift();
      if (!pending || !this.#analytics) return;
      this.#waitingEvents -= pending.count;
      sent += pending.count;
      try {
        for (const event of pending.events()) this.#send(event, pending, this.#analytics);
      } catch (error) {
        this.drop(pending.count, reasonOf(error));
      }
    }
  }

  #send(
    event: AnalyticsEvent,
    { timestamp, number }: { timestamp: number; number: number },
    analytics: Analytics,
  ): void {
    const { insert_id: id } = event;
    const sent = this.#sent;
    const outcome = analytics.send({ ...event, time: timestamp });
    const same = sent.get(id);
    if (same) same.count++;
    else sent.set(id, { count: 1, number });
    this.#sentEvents++;
    const settle = (outcome: Outcome) => {
      if (sent === this.#sent) this.#settle(id, outcome);
    };
    outcome.then(settle, (error) => settle({ code: 0, message: reasonOf(error) }));
  }

  #settle(id: string, { code, message }: Outcome): void {
    const sent = this.#sent.get(id);
    if (!sent) return;
    this.#sent.delete(id);
    this.#sentEvents -= sent.count;
    if (code < 200 || code >= 300) this.drop(sent.count, `${code} ${message}`);
    this.#schedule();
  }
}
