/// <reference lib="esnext.disposable" preserve="true" />
import type { Config } from "./config.ts";
import { type Explanation, explain } from "./explanation.ts";
import type { EvaluationContext, EvaluationVariant } from "./flag.ts";
import { ReadNow, type SlotValues } from "./slot-values.ts";
import { snapshot } from "./snapshot.ts";
import type { Variants } from "./variants.ts";

/**
 * A user whose context was encoded once, see `engine.pin`: every answer is of one config, and of
 * the context as it was. It holds no memory of the core, so one that is forgotten leaks nothing.
 */
export class PinnedUser {
  #config: Config | undefined;
  #values: SlotValues | undefined;
  #variants: Variants | undefined;
  /** Of the config that answers. */
  readonly digest: string;

  /** @internal */
  constructor(config: Config, context: EvaluationContext) {
    this.#config = config;
    this.digest = config.digest;
    const values = new ReadNow(config.slots, context, snapshot);
    this.#values = values;
    this.#variants = config.use((session) => {
      session.beginValues(values);
      session.runAll();
      return session.variants();
    });
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
    return config.use((session) => {
      const flag = config.flags.find(flagKey);
      if (flag < 0) return undefined;
      session.beginValues(values);
      // As far as all flags were evaluated when this one was: it may have read their results.
      return explain(session, flag, config.order.subarray(0, config.order.indexOf(flag)));
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
