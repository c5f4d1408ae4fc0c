/** Outcomes of one slab: an array of its own for each view would cost more than the copy. */
const SLAB_LENGTH = 8192;

/** Hands out room for outcomes, many views to an array. */
export class OutcomeSlab {
  #outcomes = new Uint16Array(0);
  #words = new Uint32Array(0);
  #top = 0;

  /** The array in which {@link copy} has last placed outcomes. */
  get outcomes(): Uint16Array {
    return this.#outcomes;
  }

  /** Copies `count` outcomes that begin at byte `address` of `words`; answers their index. */
  copy(words: Uint32Array, address: number, count: number): number {
    const wordCount = (count + 1) >>> 1;
    const start = this.#room(wordCount * 2);
    const to = start >>> 1;
    const from = address >>> 2;
    for (let i = 0; i < wordCount; i++) this.#words[to + i] = words[from + i];
    return start;
  }

  #room(length: number): number {
    if (this.#top + length > this.#outcomes.length) {
      this.#outcomes = new Uint16Array(Math.max(SLAB_LENGTH, length));
      this.#words = new Uint32Array(this.#outcomes.buffer);
      this.#top = 0;
    }
    const start = this.#top;
    this.#top += length;
    return start;
  }
}
