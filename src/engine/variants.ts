import type { Config } from "./config.ts";
import type { EvaluationVariant } from "./flag.ts";
import type { FlagIndex } from "./flag-index.ts";
import type { OutcomeCache } from "./outcome-cache.ts";

/**
 * The variants of all flags for one user: a read-only view over outcome numbers, of one config,
 * also after `engine.update`. A variant is built when it is first read; equal outcomes share it.
 */
export class Variants implements Iterable<[string, EvaluationVariant]> {
  readonly #config: Config;
  readonly #flags: FlagIndex;
  readonly #variants: OutcomeCache<EvaluationVariant>;
  readonly #outcomes: Uint16Array;
  readonly #start: number;

  /**
   * @param outcomes - by flag, from `start` on
   * @internal
   */
  constructor(config: Config, outcomes: Uint16Array, start: number) {
    this.#config = config;
    this.#flags = config.flags;
    this.#variants = config.variants;
    this.#outcomes = outcomes;
    this.#start = start;
  }

  /** The flag's variant; undefined if the flag has no result or does not exist. */
  get(flagKey: string): EvaluationVariant | undefined {
    const flag = this.#flags.findNext(flagKey);
    return flag < 0 ? undefined : this.at(flag);
  }

  /** Whether the flag has a result. */
  has(flagKey: string): boolean {
    const flag = this.#flags.findNext(flagKey);
    return flag >= 0 && this.#outcomes[this.#start + flag] !== 0;
  }

  /** How many flags have a result. */
  get size(): number {
    let size = 0;
    for (const flag of this.#config.order) size += Number(this.#outcomes[this.#start + flag] !== 0);
    return size;
  }

  /** Keys of the flags that have a result, in the order of the reference engine's object. */
  *keys(): IterableIterator<string> {
    for (const [key] of this) yield key;
  }

  /** `[flagKey, variant]` in the order of {@link keys}. */
  *entries(): IterableIterator<[string, EvaluationVariant]> {
    const { keys } = this.#flags;
    for (const flag of this.#config.listing) {
      const variant = this.at(flag);
      if (variant) yield [keys[flag], variant];
    }
  }

  /** Calls back for each flag that has a result, in the order of {@link keys}; the fastest way. */
  forEach(callback: (variant: EvaluationVariant, flagKey: string) => void): void {
    const { keys } = this.#flags;
    for (const flag of this.#config.listing) {
      const variant = this.at(flag);
      if (variant) callback(variant, keys[flag]);
    }
  }

  [Symbol.iterator](): IterableIterator<[string, EvaluationVariant]> {
    return this.entries();
  }

  /** A plain object, as `engine.evaluate` returns it. */
  toObject(): Record<string, EvaluationVariant> {
    return this.#config.records.make(this.#outcomes, this.#start);
  }

  /** What `JSON.stringify` writes. */
  toJSON(): Record<string, EvaluationVariant> {
    return this.toObject();
  }

  /** What `JSON.stringify` writes, in UTF-8; faster, as each variant is written once. */
  toJsonBytes(): Uint8Array<ArrayBuffer> {
    return this.#config.jsonWriter.write(this.#outcomes, this.#start);
  }

  /** @internal */
  at(flag: number): EvaluationVariant | undefined {
    return this.#variants.get(flag, this.#outcomes[this.#start + flag]);
  }
}
