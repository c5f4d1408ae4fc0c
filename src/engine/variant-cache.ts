import type { EvaluationVariant } from "./flag.ts";

/** The variants of a config's outcomes, each built when it is first asked for. */
export class VariantCache {
  /** By flag: where the variant of outcome 0 would stand. */
  readonly #starts: Int32Array;
  readonly #variants: (EvaluationVariant | undefined)[];
  readonly #build: (flag: number, outcome: number) => EvaluationVariant;

  /** @param counts - outcomes by flag */
  constructor(counts: Uint32Array, build: (flag: number, outcome: number) => EvaluationVariant) {
    this.#starts = new Int32Array(counts.length);
    let size = 0;
    for (let flag = 0; flag < counts.length; flag++) {
      this.#starts[flag] = size - 1;
      size += counts[flag];
    }
    this.#variants = new Array(size).fill(undefined);
    this.#build = build;
  }

  /** The variant of an outcome; undefined for outcome 0. */
  get(flag: number, outcome: number): EvaluationVariant | undefined {
    if (outcome === 0) return undefined;
    return this.#variants[this.#starts[flag] + outcome] ?? this.#add(flag, outcome);
  }

  #add(flag: number, outcome: number): EvaluationVariant {
    const variant = this.#build(flag, outcome);
    this.#variants[this.#starts[flag] + outcome] = variant;
    return variant;
  }
}
