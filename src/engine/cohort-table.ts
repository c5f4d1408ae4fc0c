// A cohort's members in the core's memory: TABLE of assembly/store-layout.ts. Grown while members
// come in, block by block, so that it never stands there twice; given its final size at the end.

import {
  BLOCK_MEMBERS,
  BLOCK_SIZE,
  MEMBER_SIZE,
  TABLE_BLOCKS,
  TABLE_COUNT,
  TABLE_END,
  TABLE_HOMES,
  TABLE_SIZE,
} from "../../assembly/store-layout.ts";
import type { Instance } from "./instance.ts";
import type { Memory } from "./memory.ts";
import type { Pool } from "./pool.ts";
import { bytesMax, writeText } from "./text.ts";

/** Of the slots in which members belong, how many are taken when it is settled. */
const LOAD = 0.75;
/** While it grows, members may come to stand closer for a while. */
const LOAD_MAX = 0.85;
const GROWTH = 1.5;
const HOMES_MIN = 4;
/** Runs of members are seldom longer at that load; if one is, the table is made anew. */
const OVERFLOW_MIN = 16;
const OVERFLOW_MAX = 1024;
/** More than this is not believed before it has come. */
const EXPECTED_MAX = 1 << 24;
const BATCH_SIZE = 65536;
const FINGERPRINT_SIZE = 16;

/** Slots of a table. */
interface Extent {
  homes: number;
  /** Behind the homes there are others, for what runs over. */
  end: number;
}

/** @param stretch - how many times the usual room there is for what runs over */
function extentFor(members: number, stretch: number): Extent {
  const homes = Math.max(HOMES_MIN, Math.ceil(members / LOAD));
  const overflow = Math.min(OVERFLOW_MAX, OVERFLOW_MIN + Math.ceil(members / 16));
  return { homes, end: homes + overflow * stretch };
}

export class CohortTable {
  readonly #memory: Memory;
  readonly #pool: Pool;
  readonly address: number;
  readonly extent: Extent;
  /** By block; 0 = not there, or no longer. */
  readonly #blocks: number[];
  #nextBlock = 0;

  constructor(memory: Memory, pool: Pool, extent: Extent) {
    this.#memory = memory;
    this.#pool = pool;
    this.extent = extent;
    this.#blocks = new Array(Math.ceil(extent.end / BLOCK_MEMBERS)).fill(0);
    this.address = pool.allocate(this.#recordSize);
    const { u32 } = memory.views;
    u32.fill(0, this.address >>> 2, (this.address + this.#recordSize) >>> 2);
    u32[(this.address + TABLE_HOMES) >>> 2] = extent.homes;
    u32[(this.address + TABLE_END) >>> 2] = extent.end;
  }

  get count(): number {
    return this.#memory.views.u32[(this.address + TABLE_COUNT) >>> 2];
  }

  /** Bytes of memory. */
  get bytes(): number {
    let bytes = this.#recordSize;
    for (const [block, address] of this.#blocks.entries()) {
      if (address) bytes += this.#blockSize(block);
    }
    return bytes;
  }

  get blockCount(): number {
    return this.#blocks.length;
  }

  /** Makes room for the next block's members; false = all are there. */
  addBlock(): boolean {
    const block = this.#nextBlock;
    if (block === this.#blocks.length) return false;
    const size = this.#blockSize(block);
    const address = this.#pool.allocate(size);
    this.#memory.views.u8.fill(0, address, address + size);
    this.#setBlock(block, address);
    this.#nextBlock++;
    return true;
  }

  freeBlock(block: number): void {
    const address = this.#blocks[block];
    if (!address) return;
    this.#pool.free(address, this.#blockSize(block));
    this.#setBlock(block, 0);
  }

  free(): void {
    for (let block = 0; block < this.#blocks.length; block++) this.freeBlock(block);
    this.#pool.free(this.address, this.#recordSize);
  }

  #setBlock(block: number, address: number): void {
    this.#blocks[block] = address;
    const at = this.address + TABLE_BLOCKS + block * 4;
    this.#memory.views.u32[at >>> 2] = address;
  }

  #blockSize(block: number): number {
    const slots = this.extent.end - block * BLOCK_MEMBERS;
    return slots < BLOCK_MEMBERS ? slots * MEMBER_SIZE : BLOCK_SIZE;
  }

  get #recordSize(): number {
    return TABLE_SIZE + this.#blocks.length * 4;
  }
}

/** Makes a table of ids that come one by one. */
export class CohortTableBuilder {
  readonly #instance: Instance;
  readonly #pool: Pool;
  #batch: number;
  #batchEnd: number;
  #batchCount = 0;
  #table: CohortTable;
  #stretch = 1;

  /** @param expected - how many members will come, as far as is known */
  constructor(instance: Instance, pool: Pool, expected: number) {
    this.#instance = instance;
    this.#pool = pool;
    this.#batch = pool.allocate(BATCH_SIZE + FINGERPRINT_SIZE);
    this.#batchEnd = this.#batch;
    try {
      this.#table = this.#newTable(Math.min(expected, EXPECTED_MAX) || 0);
    } catch (error) {
      this.#freeBatch();
      throw error;
    }
  }

  add(id: string): void {
    const bytes = bytesMax(id) + 8;
    if (this.#batchEnd + bytes > this.#batch + BATCH_SIZE) this.#flush();
    if (bytes > BATCH_SIZE) {
      this.#addLong(id, bytes);
      return;
    }
    this.#batchEnd = this.#write(id, this.#batchEnd);
    this.#batchCount++;
  }

  get table(): CohortTable {
    return this.#table;
  }

  /** Gives the table its final size; nothing can be added any more. */
  finish(): void {
    this.#flush();
    const { count, extent } = this.#table;
    if (extentFor(count, this.#stretch).homes !== extent.homes) this.#resize(count);
    this.#freeBatch();
  }

  /** Gives everything back. */
  discard(): void {
    this.#freeBatch();
    this.#table.free();
  }

  #freeBatch(): void {
    if (this.#batch) this.#pool.free(this.#batch, BATCH_SIZE + FINGERPRINT_SIZE);
    this.#batch = 0;
  }

  /** An id with its size in front; answers where the next one begins. */
  #write(id: string, at: number): number {
    const { u8, u32 } = this.#instance.memory.views;
    const bytes = writeText(id, u8, u32, at + 4);
    u32[at >>> 2] = bytes;
    return at + 4 + ((bytes + 3) & ~3);
  }

  /** An id that is longer than all the room for a batch. */
  #addLong(id: string, bytes: number): void {
    const at = this.#pool.allocate(bytes);
    try {
      this.#makeRoom(1);
      this.#addAll(at, this.#write(id, at));
    } finally {
      this.#pool.free(at, bytes);
    }
  }

  #flush(): void {
    if (this.#batchCount === 0) return;
    this.#makeRoom(this.#batchCount);
    this.#addAll(this.#batch, this.#batchEnd);
    this.#batchEnd = this.#batch;
    this.#batchCount = 0;
  }

  #makeRoom(members: number): void {
    const { count, extent } = this.#table;
    if (count + members > extent.homes * LOAD_MAX) this.#resize((count + members) * GROWTH);
  }

  #addAll(start: number, end: number): void {
    const { core } = this.#instance;
    const scratch = this.#batch + BATCH_SIZE;
    let at = start;
    while (true) {
      at = core.addMembers(this.#table.address, at, end, scratch) >>> 0;
      if (at === end) return;
      this.#stretch *= 2;
      this.#resize(this.#table.count * GROWTH);
    }
  }

  /** With all its blocks. */
  #newTable(members: number): CohortTable {
    const table = this.#emptyTable(members);
    try {
      while (table.addBlock());
      return table;
    } catch (error) {
      table.free();
      throw error;
    }
  }

  #emptyTable(members: number): CohortTable {
    return new CohortTable(this.#instance.memory, this.#pool, extentFor(members, this.#stretch));
  }

  #resize(members: number): void {
    this.#table = this.#copy(this.#table, members);
    while (this.#table.addBlock());
  }

  /** All members in a table for as many, which grows as the old one goes. */
  #copy(from: CohortTable, members: number): CohortTable {
    const { core } = this.#instance;
    let to = this.#emptyTable(members);
    try {
      for (let block = 0; block < from.blockCount; block++) {
        const end = Math.min((block + 1) * BLOCK_MEMBERS, from.extent.end);
        let slot = block * BLOCK_MEMBERS;
        while (slot < end) {
          slot = core.copyMembers(from.address, to.address, slot, end) >>> 0;
          if (slot < end && !to.addBlock()) {
            this.#stretch *= 2;
            to = this.#copy(to, members);
          }
        }
        from.freeBlock(block);
      }
    } catch (error) {
      to.free();
      throw error;
    }
    from.free();
    return to;
  }
}
