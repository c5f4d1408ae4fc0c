/// <reference lib="esnext.disposable" preserve="true" />
import type { Attachment } from "./attachment.ts";
import type { Config } from "./config.ts";
import { type Explanation, explain } from "./explanation.ts";
import type { EvaluationContext, EvaluationVariant } from "./flag.ts";
import type { Session } from "./session.ts";
import { ReadNow, type SlotValues } from "./slot-values.ts";
import { snapshot } from "./snapshot.ts";
import type { Variants } from "./variants.ts";

/**
 * A user whose context was encoded once, see `engine.pin`: every answer is of one config, and of
 * the context as it was. It holds no memory of the core, so one that is forgotten leaks nothing.
 */
export class PinnedUser {
  readonly #attachment: Attachment;
  #config: Config | undefined;
  #values: SlotValues | undefined;
  #variants: Variants | undefined;
  /** Of the config that answers. */
  readonly digest: string;

  /** @internal */
  constructor(attachment: Attachment, context: EvaluationContext) {
    this.#attachment = attachment;
    const session = attachment.hold();
    try {
      this.#pin(session, context);
    } catch (error) {
      attachment.retry(error, session, (fresh) => this.#pin(fresh, context));
    } finally {
      attachment.giveBack(session);
    }
    this.digest = this.#config!.digest;
  }

  #pin(session: Session, context: EvaluationContext): void {
    const { config } = session;
    const values = new ReadNow(config.slots, context, snapshot);
    session.beginValues(values);
    // The cohorts as they are now, too.
    for (const [slot, { cohorts }] of config.slots.entries()) {
      if (cohorts) values.keep(slot, () => session.value(slot));
    }
    values.hasCohorts = true;
    session.beginValues(values);
    session.runAll();
    this.#config = config;
    this.#values = values;
    this.#variants = session.outcomes.view();
  }

  /** The flag's variant; undefined if the flag has no result or does not exist. */
  variant(flagKey: string): EvaluationVariant | undefined {
    const [config, variants] = [this.#config, this.#variants];
    if (!config || !variants) throw disposed();
    const flag = config.flags.find(flagKey);
    return flag < 0 ? undefined : variants.at(flag);
  }

  /** The variants of all flags. */
  evaluateAll(): Variants {
    if (!this.#variants) throw disposed();
    return this.#variants;
  }

  /** Why a flag answers as it does; undefined if it does not exist. */
  explain(flagKey: string): Explanation | undefined {
    const [config, values] = [this.#config, this.#values];
    if (!config || !values) throw disposed();
    return this.#attachment.useConfig(config, (session) => {
      const flag = session.config.flags.find(flagKey);
      if (flag < 0) return undefined;
      session.beginValues(values);
      // As far as all flags were evaluated when this one was: it may have read their results.
      const { order } = session.config;
      return explain(session, flag, order.subarray(0, order.indexOf(flag)));
    });
  }

  /** Lets go of the config and the user; asking afterwards throws an Error. */
  [Symbol.dispose](): void {
    this.#config = undefined;
    this.#values = undefined;
    this.#variants = undefined;
  }
}

function disposed(): Error {
  return new Error("pinned user: expected one in use, got one that is disposed of");
}
