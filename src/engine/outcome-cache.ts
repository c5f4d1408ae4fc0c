/** What is made of a config's outcomes, such as their variants: each when it is first asked for. */
export class OutcomeCache<Value> {
  /** By flag: where the value of outcome 0 would stand. */
  readonly #starts: Int32Array;
  readonly #values: (Value | undefined)[];
  readonly #build: (flag: number, outcome: number) => Value;

  /** @param counts - outcomes by flag */
  constructor(counts: Uint32Array, build: (flag: number, outcome: number) => Value) {
    this.#starts = new Int32Array(counts.length);
    let size = 0;
    for (let flag = 0; flag < counts.length; flag++) {
      this.#starts[flag] = size - 1;
      size += counts[flag];
    }
    this.#values = new Array(size).fill(undefined);
    this.#build = build;
  }

  /** The value of an outcome; undefined for outcome 0. */
  get(flag: number, outcome: number): Value | undefined {
    if (outcome === 0) return undefined;
    return this.#values[this.#starts[flag] + outcome] ?? this.#add(flag, outcome);
  }

  #add(flag: number, outcome: number): Value {
    const value = this.#build(flag, outcome);
    this.#values[this.#starts[flag] + outcome] = value;
    return value;
  }
}
