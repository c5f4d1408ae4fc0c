// The cohorts that an engine has, by id.

import { type CohortTable, CohortTableBuilder } from "./cohort-table.ts";
import { CohortError, ContextError, describe } from "./errors.ts";
import type { NamedCohort } from "./image-reader.ts";
import type { RootCohorts, Store } from "./store.ts";

/** A cohort that an engine has. */
export interface Cohort {
  readonly cohortId: string;
  /** "User", or the type of the groups that are its members. */
  readonly groupType: string;
  /** Distinct members. */
  readonly size: number;
  /** Of the core's memory. */
  readonly bytes: number;
}

export interface SetCohortOptions {
  /** Called now and then while members come in, and at the end, with how many have been read. */
  onProgress?: (read: number) => void;
}

interface Entry extends Cohort {
  readonly table: CohortTable;
}

function cohortOf({ cohortId, groupType, size, bytes }: Entry): Cohort {
  return { cohortId, groupType, size, bytes };
}

/** Members between two calls of `onProgress`. */
const PROGRESS_STEP = 65536;

export class Cohorts {
  readonly #store: Store;
  readonly #entries = new Map<string, Entry>();

  constructor(store: Store) {
    this.#store = store;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get all(): Cohort[] {
    return Array.from(this.#entries.values(), cohortOf);
  }

  /** Of the cohorts that an image names. */
  of(named: readonly NamedCohort[]): RootCohorts {
    return { tables: named.map((cohort) => this.find(cohort)), count: this.#entries.size };
  }

  find({ cohortId, groupType }: NamedCohort): CohortTable | undefined {
    const entry = this.#entries.get(cohortId);
    return entry?.groupType === groupType ? entry.table : undefined;
  }

  /** Puts a cohort in the place of the one with its id. The caller publishes. */
  put(cohortId: string, groupType: string, table: CohortTable): Cohort {
    const old = this.#entries.get(cohortId);
    const { count: size, bytes } = table;
    const entry = { cohortId, groupType, size, bytes, table };
    this.#store.keep(table);
    this.#entries.set(cohortId, entry);
    if (old) this.#store.drop(old.table);
    return cohortOf(entry);
  }

  /** False = there is none. The caller publishes. */
  remove(cohortId: string): boolean {
    const old = this.#entries.get(cohortId);
    if (!old) return false;
    this.#entries.delete(cohortId);
    this.#store.drop(old.table);
    return true;
  }
}

/** Takes members one by one. */
export class CohortIntake {
  readonly #builder: CohortTableBuilder;
  readonly #onProgress: ((read: number) => void) | undefined;
  #read = 0;

  /** @throws {@link CohortError} if there is no room */
  constructor(store: Store, expected: number, options: SetCohortOptions | undefined) {
    this.#onProgress = options?.onProgress;
    try {
      this.#builder = new CohortTableBuilder(store.instance, store.pool, expected);
    } catch (error) {
      throw this.#reasonOf(error);
    }
  }

  add(memberId: unknown): void {
    if (typeof memberId !== "string") {
      const place = `memberIds[${this.#read}]`;
      const got = describe(memberId);
      throw new CohortError("invalid-cohort", `${place}: expected a string, got ${got}`);
    }
    this.#builder.add(memberId);
    this.#read++;
    if (this.#read % PROGRESS_STEP === 0) this.#onProgress?.(this.#read);
  }

  finish(): void {
    this.#builder.finish();
    this.#onProgress?.(this.#read);
  }

  /** What {@link finish} has made. */
  get table(): CohortTable {
    return this.#builder.table;
  }

  /** Gives the memory back; answers what to throw. */
  fail(error: unknown): unknown {
    this.#builder.discard();
    return this.#reasonOf(error);
  }

  #reasonOf(error: unknown): unknown {
    if (!(error instanceof ContextError)) return error;
    const message = `memberIds: expected what fits into memory, got more than ${this.#read}`;
    return new CohortError("too-large", message, { cause: error });
  }
}
