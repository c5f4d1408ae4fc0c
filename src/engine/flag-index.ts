/** Finds flags by key. */
export class FlagIndex {
  /** By flag. */
  readonly keys: readonly string[];
  readonly #flags = new Map<string, number>();
  #next = 0;

  constructor(flagKeys: readonly string[]) {
    // Keys that have named a property are interned by the JavaScript engine, as literals are:
    // equal ones are then one string, and need no comparison letter by letter.
    const byKey: Record<string, number> = Object.create(null);
    for (const [flag, key] of flagKeys.entries()) byKey[key] = flag;
    const keys = [...flagKeys];
    for (const key of Object.keys(byKey)) keys[byKey[key]] = key;
    for (const [flag, key] of keys.entries()) this.#flags.set(key, flag);
    this.keys = keys;
  }

  /** The flag's index; -1 = there is none. */
  find(key: string): number {
    return this.#flags.get(key) ?? -1;
  }

  /** As {@link find}, quicker for whoever asks for one flag after another in the config's order. */
  findNext(key: string): number {
    const guess = this.#next;
    const flag = this.keys[guess] === key ? guess : this.find(key);
    if (flag >= 0) this.#next = flag + 1 < this.keys.length ? flag + 1 : 0;
    return flag;
  }
}
