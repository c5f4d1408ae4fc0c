import type { Config } from "./config.ts";
import type { EvaluationVariant } from "./flag.ts";

/**
 * The variants of all flags for one user: a read-only view over outcome numbers, of one config,
 * also after `engine.update`. A variant is built when it is first read; equal outcomes share it.
 */
export class Variants implements Iterable<[string, EvaluationVariant]> {
  readonly #config: Config;
  readonly #outcomes: Uint16Array;

  /** @internal */
  constructor(config: Config, outcomes: Uint16Array) {
    this.#config = config;
    this.#outcomes = outcomes;
  }

  /** The flag's variant; undefined if the flag has no result or does not exist. */
  get(flagKey: string): EvaluationVariant | undefined {
    const flag = this.#config.flagIndex(flagKey);
    return flag === undefined ? undefined : this.#at(flag);
  }

  /** Whether the flag has a result. */
  has(flagKey: string): boolean {
    const flag = this.#config.flagIndex(flagKey);
    return flag !== undefined && this.#outcomes[flag] !== 0;
  }

  /** How many flags have a result. */
  get size(): number {
    let size = 0;
    for (const outcome of this.#outcomes) size += Number(outcome !== 0);
    return size;
  }

  /** Keys of the flags that have a result, in the order of the reference engine's object. */
  *keys(): IterableIterator<string> {
    for (const [key] of this) yield key;
  }

  /** `[flagKey, variant]` in the order of {@link keys}. */
  *entries(): IterableIterator<[string, EvaluationVariant]> {
    const { flagKeys } = this.#config.names;
    for (const flag of this.#config.listing) {
      const variant = this.#at(flag);
      if (variant) yield [flagKeys[flag], variant];
    }
  }

  [Symbol.iterator](): IterableIterator<[string, EvaluationVariant]> {
    return this.entries();
  }

  /** A plain object, as `engine.evaluate` returns it. */
  toObject(): Record<string, EvaluationVariant> {
    const record: Record<string, EvaluationVariant> = {};
    for (const [key, variant] of this) setOwn(record, key, variant);
    return record;
  }

  /** What `JSON.stringify` writes. */
  toJSON(): Record<string, EvaluationVariant> {
    return this.toObject();
  }

  #at(flag: number): EvaluationVariant | undefined {
    const outcome = this.#outcomes[flag];
    return outcome === 0 ? undefined : this.#config.variant(flag, outcome);
  }
}

/** Sets an own property, whatever its name: `__proto__` is an ordinary flag. */
export function setOwn<Value>(record: Record<string, Value>, key: string, value: Value): void {
  if (key !== "__proto__") record[key] = value;
  else {
    Object.defineProperty(record, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}
