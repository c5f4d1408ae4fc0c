// Seeded chance: the same draws in every run and on every machine.
import type { Weighted } from "./vocabulary.ts";

/** mulberry32 and what is drawn with it. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.int(0, items.length - 1)];
  }

  weighted<Item>(items: Weighted<Item>): Item {
    let rest = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    return (items.find(([, weight]) => (rest -= weight) < 0) ?? items[items.length - 1])[0];
  }

  /** `count` different items in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffle(items).slice(0, count);
  }

  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    return shuffled;
  }

  text(length: number, base = 36): string {
    return Array.from({ length }, () => this.int(0, base - 1).toString(base)).join("");
  }

  uuid(): string {
    const [a, b, c, d, e] = [8, 4, 3, 3, 12].map((length) => this.text(length, 16));
    return `${a}-${b}-4${c}-a${d}-${e}`;
  }

  version(highestMajor: number): string {
    return `${this.int(1, highestMajor)}.${this.int(0, 20)}.${this.int(0, 9)}`;
  }
}
