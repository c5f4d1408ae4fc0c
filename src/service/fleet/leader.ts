import { randomUUID } from "node:crypto";
import { pause } from "../../local/pause.ts";
import { reasonOf } from "../../sdk/log.ts";
import { LeadLost } from "./board.ts";
import { Publisher, type PublisherOptions } from "./publisher.ts";

export interface LeaderOptions extends Omit<PublisherOptions, "token" | "floor"> {
  /** The greatest number of a publication that this instance has seen. */
  numberSeen(): number;
  onChange(): void;
}

/** A fleet without a leader is seen after so many looks. */
const LOOKS = 3;
/** Terms that fail one after the other: upstream is asked anew at the begin of each. */
const BACKOFF_MAX_MILLIS = 30_000;

/** Leads the fleet whenever nobody else does. */
export class Leader {
  readonly #options: LeaderOptions;
  #publisher: Publisher | undefined;
  /** Why this instance cannot lead, or its last term has ended. */
  #refusal: string | undefined;
  #failures = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  get isLeading(): boolean {
    return this.#publisher !== undefined;
  }

  /** Why upstream cannot be used, or nobody can lead; undefined = both can be done. */
  get error(): string | undefined {
    const { number = 0, news } = this.#publisher ?? {};
    return news?.error || (number > 0 ? undefined : this.#refusal);
  }

  /** Goes on until `life` is aborted; then another instance can lead at once. */
  async run(life: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    const { pollMillis } = timing;
    while (!life.aborted) {
      // A term has a name of its own: what the last one has sent too late is not this one's.
      const token = randomUUID();
      const askedAt = performance.now();
      if (await this.#isElected(token)) await this.#serve(token, askedAt, life);
      const millis = Math.min(pollMillis * LOOKS * 2 ** this.#failures, BACKOFF_MAX_MILLIS);
      await pause(millis * (0.75 + Math.random() / 2), life).catch(() => {});
    }
  }

  async #isElected(token: string): Promise<boolean> {
    const { board, timing, log } = this.#options;
    try {
      const isElected = await board.lead(token, timing.lockMillis);
      if (!isElected) this.#refuse(undefined);
      return isElected;
    } catch (error) {
      const refusal = log.clean(reasonOf(error));
      if (refusal !== this.#refusal) log.warn("this instance cannot lead", error);
      this.#refuse(refusal);
      return false;
    }
  }

  #refuse(refusal: string | undefined): void {
    if (refusal === this.#refusal) return;
    this.#refusal = refusal;
    this.#options.onChange();
  }

  async #serve(token: string, since: number, life: AbortSignal): Promise<void> {
    const { board, log, onChange, numberSeen, timing } = this.#options;
    const end = new AbortController();
    const term = AbortSignal.any([life, end.signal]);
    const publisher = new Publisher({ ...this.#options, token, floor: numberSeen() });
    this.#publisher = publisher;
    log.info("this instance leads the fleet");
    onChange();
    const publishing = publisher.run(term);
    try {
      await Promise.race([publishing, this.#renew(token, since, publisher, term)]);
    } catch (error) {
      if (!life.aborted) log.warn("this instance leads no more", error);
      const isLost = error instanceof LeadLost;
      const hasHeld = performance.now() - since >= timing.keepMillis;
      this.#failures = hasHeld || isLost ? 0 : this.#failures + 1;
      this.#refusal = isLost ? undefined : log.clean(reasonOf(error));
    } finally {
      end.abort(new Error("the term is over"));
      await publishing.catch(() => {});
      this.#publisher = undefined;
      onChange();
      await board.resign(token).catch(() => {});
    }
  }

  /** @throws why the term is over */
  async #renew(
    token: string,
    since: number,
    publisher: Publisher,
    term: AbortSignal,
  ): Promise<never> {
    const { board, timing } = this.#options;
    let heardAt = since;
    let wasReplaced = false;
    for (;;) {
      await pause(timing.renewMillis, term);
      const { number, news } = publisher;
      const askedAt = performance.now();
      try {
        const found = await board.renew(token, timing.lockMillis, number, news);
        heardAt = askedAt;
        const isReplaced = number > 0 && found !== publisher.number;
        // Once it may be what is being published just now.
        if (isReplaced && wasReplaced) throw new LeadLost("what was published has been replaced");
        wasReplaced = isReplaced;
      } catch (error) {
        const isOver = performance.now() - heardAt >= timing.lockMillis;
        if (error instanceof LeadLost || isOver) throw error;
      }
    }
  }
}
