// The memory of a store as one thread sees it. The only file that says memory.buffer.

import { type CoreMemory, PAGE_SIZE } from "./core.ts";
import { ContextError } from "./errors.ts";

/** What 32-bit addresses reach, in whole pages. */
const MEMORY_SIZE_MAX = 2 ** 32 - PAGE_SIZE;

/** The memory as the host reads and writes it. */
export interface Views {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
}

export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

export class Memory {
  readonly core: CoreMemory;
  readonly isShared: boolean;
  /** Of the memory as it is now: another object after it has grown. */
  views: Views;

  constructor(core: CoreMemory, isShared: boolean) {
    this.core = core;
    this.isShared = isShared;
    this.views = viewsOf(core);
  }

  /** Bytes, settled. */
  get size(): number {
    return this.core.buffer.byteLength;
  }

  hasRoomFor(bytes: number): boolean {
    return this.size + bytes <= MEMORY_SIZE_MAX;
  }

  /**
   * Adds room for `bytes`; answers its address. Other threads may add theirs in between.
   *
   * @throws {@link ContextError} if there is none
   */
  add(bytes: number): number {
    if (!this.hasRoomFor(bytes)) throw outOfMemory();
    try {
      const pages = this.core.grow(pagesFor(bytes));
      this.views = viewsOf(this.core);
      return pages * PAGE_SIZE;
    } catch {
      throw outOfMemory();
    }
  }

  /** After this the views reach to `end`, although another thread has made that room. */
  reach(end: number): void {
    if (this.views.u8.length >= end) return;
    // A thread's own buffer only surely follows what others add when it adds something, too.
    if (this.size < end) this.core.grow(0);
    this.views = viewsOf(this.core);
  }
}

function viewsOf({ buffer }: CoreMemory): Views {
  // Whether it is shared makes no difference to views, but to the types of what takes them.
  const memory = buffer as ArrayBuffer;
  return {
    u8: new Uint8Array(memory),
    u16: new Uint16Array(memory),
    u32: new Uint32Array(memory),
    i32: new Int32Array(memory),
    f64: new Float64Array(memory),
  };
}

function outOfMemory(): ContextError {
  return new ContextError("memory: expected what fits into 4 GiB, got more");
}
