// Who may change a store: it loads images and cohorts, and publishes them to all threads.

import { IMAGE_COHORT_COUNT } from "../../assembly/layout.ts";
import { Attachment, configAt } from "./attachment.ts";
import type { CohortTable } from "./cohort-table.ts";
import { type Cohort, CohortIntake, Cohorts, type SetCohortOptions } from "./cohorts.ts";
import { compile } from "./compile.ts";
import { Config } from "./config.ts";
import type { CoreModule } from "./core.ts";
import type { EngineWarning } from "./errors.ts";
import { checkHeader } from "./image-header.ts";
import { type PlacedImage, type RootCohorts, Store } from "./store.ts";
import { withUnknownCohorts } from "./unknown-cohorts.ts";
import type { Flags } from "./usable-flags.ts";

export class Owner {
  readonly attachment: Attachment;
  readonly #store: Store;
  readonly #cohorts: Cohorts;
  #config: Config;

  /**
   * @param config - of these flags, if there is one
   * @throws {@link ConfigError} if nothing of the flags can be loaded
   */
  constructor(module: CoreModule, flags: Flags | Uint8Array, config?: Config) {
    const { bytes, isNew } = bytesOf(flags);
    const store = new Store(module, bytes.byteLength);
    this.#store = store;
    this.#cohorts = new Cohorts(store);
    const { instance, pool: room } = store;
    // Others evaluate on shared memory: what they read is not written again.
    const restore = module.isShared ? undefined : (image: Uint8Array) => store.restore(image);
    const revive = Owner.reviver(module);
    this.attachment = new Attachment({ module, instance, room, isGuest: false, restore, revive });
    this.#config = this.#load(bytes, isNew, config);
  }

  /** Makes stores of their own for configs that have been replaced. */
  static reviver(module: CoreModule): (config: Config) => Attachment {
    return (config) => new Owner(module, config.bytes, config).attachment;
  }

  get cohorts(): Cohort[] {
    return this.#cohorts.all;
  }

  get warnings(): readonly EngineWarning[] {
    const { warnings, cohorts } = this.#config.names;
    const isKnown = (cohort: number) => this.#cohorts.find(cohorts[cohort]) !== undefined;
    return withUnknownCohorts(warnings, cohorts, isKnown);
  }

  /** Replaces the config at once; answers the old one and the new one for `compare`. */
  update<Result>(
    flags: Flags | Uint8Array,
    compare: (old: Config, next: Config) => Result,
  ): Result {
    const { bytes, isNew } = bytesOf(flags);
    const old = this.#config;
    this.#config = this.#load(bytes, isNew);
    // Before the old one is freed.
    const result = compare(old, this.#config);
    this.#store.reclaim();
    return result;
  }

  #load(bytes: Uint8Array, isNew: boolean, known?: Config): Config {
    this.#store.reclaim();
    const image = this.#store.place(bytes, isNew);
    const config = known ?? this.#configOf(image, isNew ? bytes : undefined);
    const root = this.#store.publish(this.#tablesFor(config, image), image);
    this.attachment.follow(root, config);
    return config;
  }

  #tablesFor(config: Config, { address }: PlacedImage): RootCohorts {
    if (!this.#cohorts.isEmpty) return this.#cohorts.of(config.names.cohorts);
    // Names are decoded when somebody needs them: here nobody does.
    const count = this.#store.memory.views.u32[(address + IMAGE_COHORT_COUNT) >>> 2];
    return { tables: new Array(count).fill(undefined), count: 0 };
  }

  /** @param bytes - the image, if nobody else can change these */
  #configOf({ address, size }: PlacedImage, bytes: Uint8Array | undefined): Config {
    const { memory } = this.#store;
    if (memory.isShared) return configAt(memory, address);
    return new Config(() => bytes ?? memory.views.u8.slice(address, address + size), true);
  }

  setCohort(
    cohortId: string,
    groupType: string,
    memberIds: Iterable<unknown>,
    options?: SetCohortOptions,
  ): Cohort {
    const intake = new CohortIntake(this.#store, countOf(memberIds), options);
    try {
      for (const memberId of memberIds) intake.add(memberId);
      intake.finish();
    } catch (error) {
      throw intake.fail(error);
    }
    return this.#put(cohortId, groupType, intake.table);
  }

  /** Until the last member has come, the old cohort stays. */
  async streamCohort(
    cohortId: string,
    groupType: string,
    memberIds: AsyncIterable<unknown>,
    options?: SetCohortOptions,
  ): Promise<Cohort> {
    const intake = new CohortIntake(this.#store, 0, options);
    try {
      for await (const memberId of memberIds) intake.add(memberId);
      intake.finish();
    } catch (error) {
      throw intake.fail(error);
    }
    return this.#put(cohortId, groupType, intake.table);
  }

  #put(cohortId: string, groupType: string, table: CohortTable): Cohort {
    const cohort = this.#cohorts.put(cohortId, groupType, table);
    this.#publishCohorts();
    return cohort;
  }

  removeCohort(cohortId: string): boolean {
    const isRemoved = this.#cohorts.remove(cohortId);
    if (isRemoved) this.#publishCohorts();
    return isRemoved;
  }

  #publishCohorts(): void {
    const root = this.#store.publish(this.#cohorts.of(this.#config.names.cohorts));
    this.attachment.follow(root);
    this.#store.reclaim();
  }
}

function bytesOf(flags: Flags | Uint8Array): { bytes: Uint8Array; isNew: boolean } {
  if (!(flags instanceof Uint8Array)) return { bytes: compile(flags), isNew: true };
  checkHeader(flags);
  return { bytes: flags, isNew: false };
}

/** What an update did. */
export interface EngineUpdate {
  /** Keys of the flags that were added, removed, or whose definition differs. */
  changed: string[];
  warnings: readonly EngineWarning[];
}

/** How many an iterable will give, as far as it tells. */
function countOf(memberIds: Iterable<unknown>): number {
  if (Array.isArray(memberIds)) return memberIds.length;
  return memberIds instanceof Set ? memberIds.size : 0;
}
