// Room in a memory that its owner hands out and takes back: images, roots, tables.

import { PAGE_SIZE } from "./core.ts";
import { type Memory, pagesFor } from "./memory.ts";

/** Of all addresses. */
export const ALIGNMENT = 16;
/** What is added at once, so that many small requests do not each grow the memory. */
const GROWTH_MAX = 4 * 1024 * 1024;

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Free extents by address; neighbours are one. */
export class Pool {
  readonly #memory: Memory;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** @param start - what lies from here to the end of the memory is free */
  constructor(memory: Memory, start: number) {
    this.#memory = memory;
    this.free(start, memory.size - start);
  }

  /** What {@link allocate} takes for so many bytes. */
  sizeFor(bytes: number): number {
    return align(bytes);
  }

  /**
   * An address, a multiple of 16, with whatever is there.
   *
   * @throws {@link ContextError} if the memory cannot grow
   */
  allocate(bytes: number): number {
    const size = align(bytes);
    let index = this.#find(size);
    if (index < 0) {
      this.#grow(size);
      index = this.#find(size);
    }
    const start = this.#starts[index];
    this.#starts[index] += size;
    if (this.#starts[index] === this.#ends[index]) this.#remove(index);
    return start;
  }

  free(address: number, bytes: number): void {
    const end = address + align(bytes);
    if (address >= end) return;
    const index = this.#indexOf(address);
    const joinsLast = index > 0 && this.#ends[index - 1] === address;
    const joinsNext = index < this.#starts.length && this.#starts[index] === end;
    if (joinsLast && joinsNext) {
      this.#ends[index - 1] = this.#ends[index];
      this.#remove(index);
    } else if (joinsLast) this.#ends[index - 1] = end;
    else if (joinsNext) this.#starts[index] = address;
    else {
      this.#starts.splice(index, 0, address);
      this.#ends.splice(index, 0, end);
    }
  }

  /** The smallest extent that is large enough, of these the first: large ones stay whole. */
  #find(size: number): number {
    let best = -1;
    let bestSize = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#starts.length; i++) {
      const free = this.#ends[i] - this.#starts[i];
      if (free < size || free >= bestSize) continue;
      best = i;
      bestSize = free;
      if (free === size) break;
    }
    return best;
  }

  #grow(size: number): void {
    const memory = this.#memory;
    const last = this.#ends.length - 1;
    const isLast = last >= 0 && this.#ends[last] === memory.size;
    const missing = size - (isLast ? this.#ends[last] - this.#starts[last] : 0);
    const spare = Math.min(memory.size >>> 4, GROWTH_MAX);
    const added = pagesFor(missing + (memory.hasRoomFor(missing + spare) ? spare : 0)) * PAGE_SIZE;
    this.free(memory.add(added), added);
    // If another thread has added room in between, the two pieces are not neighbours.
    if (this.#find(size) < 0) this.#grow(size);
  }

  #remove(index: number): void {
    this.#starts.splice(index, 1);
    this.#ends.splice(index, 1);
  }

  /** Index of the first extent behind an address. */
  #indexOf(address: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle] < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
