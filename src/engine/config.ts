// A config in use: what the host needs of an image, decoded when asked.

import * as L from "../../assembly/layout.ts";
import { SWEEP_REST, SWEEP_SLOTS } from "../../assembly/sweep-layout.ts";
import { type FlagOutline, outlineOf } from "./explanation-outline.ts";
import type { EvaluationVariant } from "./flag.ts";
import { FlagIndex } from "./flag-index.ts";
import { type HostMatcher, hostMatcher } from "./host-predicate.ts";
import { ImageReader } from "./image-reader.ts";
import { JsonWriter } from "./json-writer.ts";
import { orderOf, PLAN_LENGTH_KEPT } from "./order.ts";
import { OutcomeCache } from "./outcome-cache.ts";
import { OutcomeSlab } from "./outcome-slab.ts";
import { RecordMaker } from "./record.ts";
import { type Reader, readerOf } from "./selector.ts";

/** A slot as the host fills it. */
export interface Slot {
  readonly selector: readonly string[];
  /** What the core needs of its value: NEEDS_*. */
  readonly needs: number;
  /** The flag whose result it reads; FROM_* for other sources. */
  readonly source: number;
  readonly isOfContext: boolean;
  /** For a slot of the context. */
  readonly read: Reader;
  /** What tells its list where the context has none. */
  readonly cohorts: SlotCohorts | undefined;
}

/** The cohorts that predicates of a slot name. */
export interface SlotCohorts {
  /** Index of the first one in the image. */
  readonly start: number;
  readonly ids: readonly string[];
  /** The slot of the member's id. */
  readonly member: number;
  readonly isOfGroup: boolean;
}

/** What a sweep needs of the host. */
export interface SweepPlan {
  /** To be filled beforehand. */
  readonly slots: Uint32Array;
  /** Flags to be evaluated afterwards, parents first. */
  readonly rest: Uint32Array;
}

export class Config extends ImageReader {
  #bytes: Uint8Array | undefined;
  readonly #read: () => Uint8Array;
  /** Whether the bytes stay as they are: those of a shared memory are freed and used again. */
  #isOwn: boolean;
  #isLent = false;
  #isRetired = false;
  #flags: FlagIndex | undefined;
  #sweep: SweepPlan | null | undefined;
  readonly #firstSlots: number[] = [];
  #slots: Slot[] | undefined;
  #order: Uint32Array | undefined;
  #listing: number[] | undefined;
  #variants: OutcomeCache<EvaluationVariant> | undefined;
  #jsonWriter: JsonWriter | undefined;
  #records: RecordMaker | undefined;
  /** Where views keep their outcomes. */
  readonly slab = new OutcomeSlab();
  readonly #outlines: (FlagOutline | undefined)[] = [];
  readonly #matchers: (HostMatcher | undefined)[] = [];
  #lastKeys: readonly string[] = [];
  #lastPlan: Uint32Array = new Uint32Array(0);
  readonly #plans: (Uint32Array | null | undefined)[] = [];

  /**
   * @param read - gives the image's bytes
   * @param isOwn - whether these stay as they are after {@link retire}
   */
  constructor(read: () => Uint8Array, isOwn: boolean) {
    super();
    this.#read = read;
    this.#isOwn = isOwn;
  }

  /** A copy of the image. */
  get bytes(): Uint8Array {
    return this.imageBytes.slice();
  }

  get imageBytes(): Uint8Array {
    this.#bytes ??= this.#read();
    return this.#bytes;
  }

  /** Something outlives the evaluations by this config, and will read it. */
  lend(): void {
    this.#isLent = true;
    if (this.#isRetired) this.#keepBytes();
  }

  /** Another config has taken its place; what was lent goes on to read it. */
  retire(): void {
    this.#isRetired = true;
    if (this.#isLent) this.#keepBytes();
  }

  #keepBytes(): void {
    if (!this.#isOwn) {
      this.#bytes = this.imageBytes.slice();
      this.forgetView();
    }
    this.#isOwn = true;
    void this.imageBytes;
  }

  get slots(): readonly Slot[] {
    this.#slots ??= this.names.selectors.map((selector, index) => {
      const record = this.record(L.IMAGE_SLOTS, index, L.SLOT_SIZE);
      const needs = this.u32(record + L.SLOT_NEEDS);
      const source = this.names.sources[index];
      const isOfContext = source === L.FROM_CONTEXT;
      const cohorts = this.#cohortsOf(record, selector);
      return { selector, needs, source, isOfContext, read: readerOf(selector), cohorts };
    });
    return this.#slots;
  }

  #cohortsOf(record: number, selector: readonly string[]): SlotCohorts | undefined {
    const member = this.u32(record + L.SLOT_MEMBER);
    if (member === 0) return undefined;
    const start = this.u32(record + L.SLOT_COHORTS);
    const end = this.u32(record + L.SLOT_COHORT_END);
    const ids = this.names.cohorts.slice(start, end).map(({ cohortId }) => cohortId);
    return { start, ids, member: member - 1, isOfGroup: selector[1] === "groups" };
  }

  get flags(): FlagIndex {
    this.#flags ??= new FlagIndex(this.names.flagKeys);
    return this.#flags;
  }

  /** The slot of the context that a flag asks for first, whoever the user is; -1 = none. */
  firstSlot(flag: number): number {
    const known = this.#firstSlots[flag];
    if (known !== undefined) return known;
    const slot = this.#firstSlotOf(flag);
    this.#firstSlots[flag] = slot >= 0 && this.slots[slot].isOfContext ? slot : -1;
    return this.#firstSlots[flag];
  }

  #firstSlotOf(flag: number): number {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    if (this.u32(record + L.FLAG_SEGMENT_COUNT) === 0) return -1;
    const segment = this.segmentRecord(flag, 0);
    const count = this.u32(segment + L.SEGMENT_CONDITION_COUNT);
    if (count === L.CONDITIONS_NEVER) return -1;
    if (count === L.CONDITIONS_ALWAYS) {
      const bucket = this.u32(segment + L.SEGMENT_BUCKET);
      return bucket ? this.u32(bucket + L.BUCKET_SLOT) : -1;
    }
    const predicate = this.u32(this.u32(segment + L.SEGMENT_CONDITIONS)) >>> 1;
    const at = this.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
    return this.u32(at + L.PREDICATE_SLOT);
  }

  /** All flags, parents first. */
  get order(): Uint32Array {
    this.#order ??= orderOf(this.#graph);
    return this.#order;
  }

  /** What the core evaluates at once; undefined if the flags have to be evaluated in order. */
  get sweep(): SweepPlan | undefined {
    if (this.#sweep === undefined) {
      const table = this.u32(L.IMAGE_SWEEP);
      this.#sweep = table
        ? { slots: this.words(table + SWEEP_SLOTS), rest: this.words(table + SWEEP_REST) }
        : null;
    }
    return this.#sweep ?? undefined;
  }

  /** All flags in the order in which an object lists its keys: integers first. */
  get listing(): readonly number[] {
    if (!this.#listing) {
      const keys: Record<string, number> = Object.create(null);
      for (const flag of this.order) keys[this.names.flagKeys[flag]] = flag;
      this.#listing = Object.values(keys);
    }
    return this.#listing;
  }

  /** The flag and its ancestors, parents first; null for a flag without parents. */
  planOf(flag: number): Uint32Array | null {
    let plan = this.#plans[flag];
    if (plan === undefined) {
      plan = this.parentsOf(flag).length === 0 ? null : orderOf(this.#graph, [flag]);
      if (!plan || plan.length <= PLAN_LENGTH_KEPT) this.#plans[flag] = plan;
    }
    return plan;
  }

  /** The flags with these keys and their ancestors, parents first; unknown keys are left out. */
  planOfKeys(flagKeys: readonly string[]): Uint32Array {
    const last = this.#lastKeys;
    // Most callers ask for the same flags each time.
    if (flagKeys.length === last.length && flagKeys.every((key, i) => key === last[i])) {
      return this.#lastPlan;
    }
    const flags = flagKeys.map((key) => this.flags.find(key)).filter((flag) => flag >= 0);
    const plan = orderOf(this.#graph, flags);
    this.#lastKeys = [...flagKeys];
    this.#lastPlan = plan;
    return plan;
  }

  get #outcomeCounts(): Uint32Array {
    return new Uint32Array(this.flagCount).map((_, flag) => this.outcomeCount(flag));
  }

  /** By outcome (from 1), with merged metadata; shared and deeply frozen. */
  get variants(): OutcomeCache<EvaluationVariant> {
    this.#variants ??= new OutcomeCache(this.#outcomeCounts, (...outcome) =>
      this.buildVariant(...outcome),
    );
    return this.#variants;
  }

  /** Writes all variants as JSON. */
  get jsonWriter(): JsonWriter {
    if (!this.#jsonWriter) {
      const { listing, variants } = this;
      const outcomeCounts = this.#outcomeCounts;
      const { keys: flagKeys } = this.flags;
      this.#jsonWriter = new JsonWriter({ flagKeys, listing, variants, outcomeCounts });
    }
    return this.#jsonWriter;
  }

  /** Makes the plain objects of all variants. */
  get records(): RecordMaker {
    if (!this.#records) {
      const { order, variants } = this;
      this.#records = new RecordMaker({ flagKeys: this.flags.keys, order, variants });
    }
    return this.#records;
  }

  /** What an explanation of a flag says to every user. */
  outline(flag: number): FlagOutline {
    const known = this.#outlines[flag];
    if (known) return known;
    const outline = outlineOf(this, flag);
    this.#outlines[flag] = outline;
    return outline;
  }

  /** The test that only the host can make, for one text. */
  matcher(predicate: number): HostMatcher {
    const known = this.#matchers[predicate];
    if (known) return known;
    const [, op, values] = this.condition(predicate);
    const matcher = hostMatcher(op, values);
    this.#matchers[predicate] = matcher;
    return matcher;
  }

  get #graph() {
    return { count: this.flagCount, parentsOf: (flag: number) => this.parentsOf(flag) };
  }
}
