// The owner's side of a store: places images and roots, publishes, and frees what no seat holds.

import { F64, IMAGE_CHECKSUM, LAYOUT_VERSION, MAGIC } from "../../assembly/layout.ts";
import {
  BACKEND_WASM,
  BACKEND_WASM_SIMD,
  HOLD_BUSY,
  HOLD_ENTERING,
  HOLD_IDLE,
  ROOT_COHORT_COUNT,
  ROOT_IMAGE,
  ROOT_SIZE,
  ROOT_TABLES,
  STORE,
  STORE_BACKEND,
  STORE_CURRENT,
  STORE_MAGIC,
  STORE_SIZE,
  STORE_VERSION,
} from "../../assembly/store-layout.ts";
import type { CohortTable } from "./cohort-table.ts";
import type { CoreModule } from "./core.ts";
import { ConfigError } from "./errors.ts";
import { Instance } from "./instance.ts";
import { Memory, pagesFor } from "./memory.ts";
import { ALIGNMENT, align, Pool } from "./pool.ts";
import { holdAt, seatsOf, vacate } from "./seat.ts";

/** An image in the memory. */
export interface PlacedImage {
  address: number;
  size: number;
  /** Roots that name it and are not freed. */
  uses: number;
}

interface Root {
  address: number;
  size: number;
  image: PlacedImage;
  /** By cohort of the image; none once they are let go. */
  tables: readonly (CohortTable | undefined)[];
  cohortCount: number;
}

/** A seat that keeps something from being freed. */
interface Obstacle {
  hold: number;
  /** Publications since it has first done so. */
  age: number;
}

/** The cohorts that a root is to have. */
export interface RootCohorts {
  /** By cohort of the image. */
  tables: readonly (CohortTable | undefined)[];
  /** Of all that the engine has. */
  count: number;
}

export class Store {
  readonly memory: Memory;
  readonly pool: Pool;
  readonly #instance: Instance;
  readonly #backend: number;
  #current: Root | undefined;
  /** Older ones, of which something is not freed. */
  #retired: Root[] = [];
  /** Of each table the roots that name it, and one for the cohort itself. */
  readonly #uses = new Map<CohortTable, number>();
  /** What seats have said when it last stood in the way, by seat. */
  #blocking = new Map<number, Obstacle>();

  /** @param size - of the first image */
  constructor(module: CoreModule, size: number) {
    const start = align(STORE + STORE_SIZE);
    const pages = pagesFor(start + align(size) + align(ROOT_SIZE));
    this.memory = new Memory(module.makeMemory(pages), module.isShared);
    this.#instance = new Instance(module, this.memory);
    this.#backend = module.backend === "wasm-simd" ? BACKEND_WASM_SIMD : BACKEND_WASM;
    this.#writeHeader();
    this.pool = new Pool(this.memory, start);
  }

  /** Of the owner's thread. */
  get instance(): Instance {
    return this.#instance;
  }

  #writeHeader(): void {
    const { u32 } = this.memory.views;
    u32[(STORE + STORE_MAGIC) >>> 2] = MAGIC;
    u32[(STORE + STORE_VERSION) >>> 2] = LAYOUT_VERSION;
    u32[(STORE + STORE_BACKEND) >>> 2] = this.#backend;
  }

  /**
   * Places an image, to be published. A new one is sealed, others are checked.
   *
   * @throws {@link ConfigError} for a damaged image
   */
  place(bytes: Uint8Array, isNew: boolean): PlacedImage {
    const size = bytes.byteLength;
    const address = this.pool.allocate(size);
    const { u8 } = this.memory.views;
    u8.set(bytes, address);
    const { core } = this.#instance;
    if (isNew) {
      core.sealImage(address);
      const seal = address + IMAGE_CHECKSUM;
      bytes.set(u8.subarray(seal, seal + F64), IMAGE_CHECKSUM);
    } else if (!core.isSealed(address)) {
      this.pool.free(address, size);
      throw new ConfigError("invalid-image", "image", "an intact image", "a damaged one");
    }
    return { address, size, uses: 0 };
  }

  /** Replaces the root: by one of another image, or of the same with other cohorts. Answers it. */
  publish(cohorts: RootCohorts, image: PlacedImage = this.#current!.image): number {
    const { tables, count: cohortCount } = cohorts;
    const size = ROOT_SIZE + tables.length * 4;
    const root = { address: this.pool.allocate(size), size, image, tables, cohortCount };
    image.uses++;
    for (const table of tables) if (table) this.#use(table, 1);
    this.#writeRoot(root);
    if (this.#current) this.#retired.push(this.#current);
    this.#current = root;
    this.#setCurrent(root);
    return root.address;
  }

  #writeRoot({ address, image, tables, cohortCount }: Root): void {
    const { u32 } = this.memory.views;
    u32[(address + ROOT_IMAGE) >>> 2] = image.address;
    u32[(address + ROOT_COHORT_COUNT) >>> 2] = cohortCount;
    for (const [cohort, table] of tables.entries()) {
      u32[((address + ROOT_TABLES) >>> 2) + cohort] = table?.address ?? 0;
    }
  }

  #setCurrent({ address }: Root): void {
    Atomics.store(this.memory.views.i32, (STORE + STORE_CURRENT) >>> 2, address);
  }

  /** A cohort has the table. */
  keep(table: CohortTable): void {
    this.#use(table, 1);
  }

  /** It has another one; the table is freed when no root names it. */
  drop(table: CohortTable): void {
    this.#use(table, -1);
  }

  #use(table: CohortTable, change: number): void {
    const uses = (this.#uses.get(table) ?? 0) + change;
    if (uses > 0) this.#uses.set(table, uses);
    else {
      this.#uses.delete(table);
      table.free();
    }
  }

  /** Frees of the older roots what no seat holds. */
  reclaim(): void {
    if (this.#retired.length === 0) return;
    const holds = this.#holds();
    if (holds.has(HOLD_ENTERING)) return;
    this.#retired = this.#retired.filter((root) => {
      const { address, size, image } = root;
      if (holds.has(address + HOLD_BUSY)) return true;
      for (const table of root.tables) if (table) this.#use(table, -1);
      root.tables = [];
      if (holds.has(address + HOLD_IDLE)) return true;
      this.pool.free(address, size);
      image.uses--;
      if (image.uses === 0) this.pool.free(image.address, image.size);
      return false;
    });
  }

  /** What all seats say; those of threads that have ended in the way are given back. */
  #holds(): Set<number> {
    const holds = new Set<number>();
    const blocking = new Map<number, Obstacle>();
    for (const seat of seatsOf(this.memory)) {
      const hold = holdAt(this.memory, seat);
      if (hold === 0 || hold - (hold % ALIGNMENT) === this.#current?.address) continue;
      const last = this.#blocking.get(seat);
      const age = last?.hold === hold ? last.age + 1 : 0;
      // It may have ended there; most have only not evaluated since. A thread can only be asked so
      // often without an answer of its own, so it is asked ever more rarely.
      const isAsked = age > 0 && (age & (age - 1)) === 0;
      if (isAsked && vacate(this.memory, seat)) continue;
      blocking.set(seat, { hold, age });
      holds.add(hold);
    }
    this.#blocking = blocking;
    return holds;
  }

  /** After a trap: writes anew what evaluations go by, seats apart. `bytes` = the current image. */
  restore(bytes: Uint8Array): void {
    const { u8 } = this.memory.views;
    const root = this.#current!;
    u8.fill(0, STORE, STORE + STORE_SIZE);
    this.#writeHeader();
    u8.set(bytes, root.image.address);
    this.#writeRoot(root);
    this.#setCurrent(root);
  }
}
