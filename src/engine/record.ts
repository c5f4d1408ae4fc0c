// The plain object of all variants. Setting hundreds of properties one by one costs more than
// deciding them, so a record is copied as a whole, and what differs is set.

import type { EvaluationVariant } from "./flag.ts";
import type { OutcomeCache } from "./outcome-cache.ts";
import { setOwn } from "./set-own.ts";

export type VariantRecord = Record<string, EvaluationVariant>;

/** With more properties V8 keeps an object as a dictionary, which is slow to copy. */
const PROPERTIES_MAX = 1000;

type Copy = (record: VariantRecord) => VariantRecord;

/**
 * One function, eight times: V8 copies a record as a whole only at a place of the source that has
 * copied few others with other keys. Copying by a place that has seen more takes fifty times as
 * long.
 */
const COPIES: readonly Copy[] = [
  (record) => ({ ...record }),
  (record) => ({ ...record }),
  (record) => ({ ...record }),
  (record) => ({ ...record }),
  (record) => ({ ...record }),
  (record) => ({ ...record }),
  (record) => ({ ...record }),
  (record) => ({ ...record }),
];
let makerCount = 0;

/** What a record is made of. */
export interface RecordSource {
  readonly flagKeys: readonly string[];
  /** The order in which the keys are set. */
  readonly order: Uint32Array;
  readonly variants: OutcomeCache<EvaluationVariant>;
}

/** The record of these flags, set in their order, by the outcomes at `outcomes[start + flag]`. */
export function buildRecord(
  { flagKeys, variants }: Pick<RecordSource, "flagKeys" | "variants">,
  flags: Uint32Array,
  outcomes: Uint16Array,
  start: number,
): VariantRecord {
  const record: VariantRecord = {};
  for (const flag of flags) {
    const variant = variants.get(flag, outcomes[start + flag]);
    if (variant) setOwn(record, flagKeys[flag], variant);
  }
  return record;
}

/** Makes a config's records. */
export class RecordMaker {
  readonly #source: RecordSource;
  readonly #copyOf: Copy = COPIES[makerCount++ % COPIES.length];
  /** The last record made from nothing, and its outcomes by flag. */
  #template: VariantRecord | undefined;
  readonly #outcomes: Uint16Array;

  constructor(source: RecordSource) {
    this.#source = source;
    this.#outcomes = new Uint16Array(source.flagKeys.length);
  }

  /** The record of all flags, by the outcomes at `outcomes[start + flag]`. */
  make(outcomes: Uint16Array, start: number): VariantRecord {
    return this.#copy(outcomes, start) ?? this.#remember(outcomes, start);
  }

  /** The record of these flags, set in their order. */
  build(flags: Uint32Array, outcomes: Uint16Array, start: number): VariantRecord {
    return buildRecord(this.#source, flags, outcomes, start);
  }

  /** Undefined if another set of flags has a result. */
  #copy(outcomes: Uint16Array, start: number): VariantRecord | undefined {
    if (!this.#template) return undefined;
    const { flagKeys, variants } = this.#source;
    const known = this.#outcomes;
    const record = this.#copyOf(this.#template);
    for (let flag = 0; flag < known.length; flag++) {
      const outcome = outcomes[start + flag];
      if (outcome === known[flag]) continue;
      if (outcome === 0 || known[flag] === 0) return undefined;
      setOwn(record, flagKeys[flag], variants.get(flag, outcome)!);
    }
    return record;
  }

  /** A record made from nothing; the next one is copied from it. */
  #remember(outcomes: Uint16Array, start: number): VariantRecord {
    const { flagKeys, order } = this.#source;
    const record = this.build(order, outcomes, start);
    if (flagKeys.length <= PROPERTIES_MAX) {
      this.#template = { ...record };
      for (let flag = 0; flag < flagKeys.length; flag++) {
        this.#outcomes[flag] = outcomes[start + flag];
      }
    }
    return record;
  }
}
