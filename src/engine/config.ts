// A config in use: an image in an instance, and what the host needs of it, decoded when asked.

import * as L from "../../assembly/layout.ts";
import type { CoreModule } from "./core.ts";
import type { EngineWarning } from "./errors.ts";
import type { EvaluationAllocation, EvaluationBucket, EvaluationVariant } from "./flag.ts";
import { FlagIndex } from "./flag-index.ts";
import { type HostMatcher, hostMatcher } from "./host-predicate.ts";
import { Instance } from "./instance.ts";
import { orderOf } from "./order.ts";
import { OutcomeSlab } from "./outcome-slab.ts";
import { RecordMaker } from "./record.ts";
import { type Reader, readerOf } from "./selector.ts";
import { VariantCache } from "./variant-cache.ts";
import { setOwn } from "./variants.ts";

interface Names {
  flagKeys: string[];
  enabled: number[];
  selectors: string[][];
  /** By slot: the flag whose result it reads, or FROM_*. */
  sources: number[];
  warnings: EngineWarning[];
}

/** A slot as the host fills it. */
export interface Slot {
  readonly selector: readonly string[];
  /** What the core needs of its value: NEEDS_*. */
  readonly needs: number;
  /** The flag whose result it reads; FROM_* for other sources. */
  readonly source: number;
  /** For a slot of the context. */
  readonly read: Reader;
}

/** What a sweep needs of the host. */
export interface SweepPlan {
  /** To be filled beforehand. */
  readonly slots: Uint32Array;
  /** Flags to be evaluated afterwards, parents first. */
  readonly rest: Uint32Array;
}

/** A condition as the flags gave it. */
export type NamedCondition = [selector: string[], op: string, values: string[]];

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class Config {
  readonly instance: Instance;
  #names: Names | undefined;
  #flags: FlagIndex | undefined;
  #sweep: SweepPlan | null | undefined;
  readonly #firstSlots: number[] = [];
  #slots: Slot[] | undefined;
  #order: Uint32Array | undefined;
  #listing: number[] | undefined;
  #variants: VariantCache | undefined;
  #records: RecordMaker | undefined;
  /** Where views keep their outcomes. */
  readonly slab = new OutcomeSlab();
  readonly #matchers: (HostMatcher | undefined)[] = [];
  readonly #plans: (Uint32Array | null | undefined)[] = [];

  constructor(module: CoreModule, image: Uint8Array, isNew: boolean) {
    this.instance = new Instance(module, image, isNew);
  }

  get bytes(): Uint8Array {
    return this.instance.imageBytes.slice();
  }

  get names(): Names {
    this.#names ??= this.#json(L.IMAGE_NAMES) as Names;
    return this.#names;
  }

  get flagCount(): number {
    return this.u32(L.IMAGE_FLAG_COUNT);
  }

  /** The image's checksum, 16 hexadecimal digits. */
  get digest(): string {
    return this.instance.imageView
      .getBigUint64(L.IMAGE_CHECKSUM, true)
      .toString(16)
      .padStart(16, "0");
  }

  u32(at: number): number {
    return this.instance.imageView.getUint32(at, true);
  }

  /** Pointer to record `index` of the table at header field `table`. */
  record(table: number, index: number, size: number): number {
    return this.u32(table) + index * size;
  }

  get slots(): readonly Slot[] {
    this.#slots ??= this.names.selectors.map((selector, index) => {
      const record = this.record(L.IMAGE_SLOTS, index, L.SLOT_SIZE);
      const needs = this.u32(record + L.SLOT_NEEDS);
      return { selector, needs, source: this.names.sources[index], read: readerOf(selector) };
    });
    return this.#slots;
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
    const isOfContext = slot >= 0 && this.slots[slot].source === L.FROM_CONTEXT;
    this.#firstSlots[flag] = isOfContext ? slot : -1;
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

  parentsOf(flag: number): Uint32Array {
    return this.#words(this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE) + L.FLAG_PARENTS);
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
        ? { slots: this.#words(table + L.SWEEP_SLOTS), rest: this.#words(table + L.SWEEP_REST) }
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
      // A long plan would be kept once per flag of a chain: quadratic. It is made again instead.
      if (!plan || plan.length <= PLAN_LENGTH_KEPT) this.#plans[flag] = plan;
    }
    return plan;
  }

  /** The flags and their ancestors, parents first. */
  planOfAll(flags: Iterable<number>): Uint32Array {
    return orderOf(this.#graph, flags);
  }

  /** By outcome (from 1), with merged metadata; shared and deeply frozen. */
  get variants(): VariantCache {
    if (!this.#variants) {
      const counts = new Uint32Array(this.flagCount);
      for (let flag = 0; flag < counts.length; flag++) {
        const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
        counts[flag] = this.u32(record + L.FLAG_OUTCOME_COUNT);
      }
      this.#variants = new VariantCache(counts, (flag, outcome) => this.#variant(flag, outcome));
    }
    return this.#variants;
  }

  /** Makes the plain objects of all variants. */
  get records(): RecordMaker {
    if (!this.#records) {
      const { order, variants } = this;
      const { keys } = this.flags;
      const variant = (flag: number, outcome: number) => variants.get(flag, outcome);
      this.#records = new RecordMaker({ flagKeys: keys, order, variant });
    }
    return this.#records;
  }

  #variant(flag: number, outcome: number): EvaluationVariant {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    const segment = this.segmentRecord(flag, this.outcomeSegment(flag, outcome));
    const at = this.#outcomeRecord(flag, outcome);
    const own = this.#json(at + L.OUTCOME_VARIANT) as EvaluationVariant;
    const metadata = merge([
      this.#json(record + L.FLAG_METADATA),
      this.#json(segment + L.SEGMENT_METADATA),
      own.metadata,
    ]);
    return deepFreeze(merge([own, { metadata }]));
  }

  segmentRecord(flag: number, segment: number): number {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    return this.u32(record + L.FLAG_SEGMENTS) + segment * L.SEGMENT_SIZE;
  }

  segmentMetadata(segment: number): Record<string, unknown> | undefined {
    return this.#json(segment + L.SEGMENT_METADATA) as Record<string, unknown> | undefined;
  }

  /** Index of the segment that gives an outcome (from 1). */
  outcomeSegment(flag: number, outcome: number): number {
    return this.u32(this.#outcomeRecord(flag, outcome) + L.OUTCOME_SEGMENT_INDEX);
  }

  condition(predicate: number): NamedCondition {
    const record = this.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
    const [op, values] = this.#json(record + L.PREDICATE_NAME) as [string, string[]];
    return [[...this.slots[this.u32(record + L.PREDICATE_SLOT)].selector], op, values];
  }

  /** A bucket as the flags gave it. */
  bucket(bucket: number): EvaluationBucket {
    return {
      selector: [...this.slots[this.u32(bucket + L.BUCKET_SLOT)].selector],
      salt: this.#json(bucket + L.BUCKET_SALT) as string,
      allocations: this.#json(bucket + L.BUCKET_ALLOCATIONS) as EvaluationAllocation[],
    };
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

  /** The text whose pointer and size stand at `at`. */
  text(at: number): string {
    const pointer = this.u32(at);
    return decoder.decode(
      this.instance.imageBytes.subarray(pointer, pointer + this.u32(at + L.U32)),
    );
  }

  #outcomeRecord(flag: number, outcome: number): number {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    return this.u32(record + L.FLAG_OUTCOMES) + (outcome - 1) * L.OUTCOME_SIZE;
  }

  /** The words whose pointer and count stand at `at`. */
  #words(at: number): Uint32Array {
    const pointer = this.u32(at);
    const words = new Uint32Array(this.u32(at + L.U32));
    for (let i = 0; i < words.length; i++) words[i] = this.u32(pointer + i * L.U32);
    return words;
  }

  #json(at: number): unknown {
    return this.u32(at + L.U32) === 0 ? undefined : JSON.parse(this.text(at));
  }

  get #graph() {
    return { count: this.flagCount, parentsOf: (flag: number) => this.parentsOf(flag) };
  }
}

const PLAN_LENGTH_KEPT = 64;

/**
 * As `{ ...a, ...b }`. V8 gives each object made by such a literal a hidden class of its own,
 * and a property read from many classes takes five times as long.
 */
function merge(sources: readonly unknown[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const source of sources) {
    if (typeof source !== "object" || source === null) continue;
    for (const [key, value] of Object.entries(source)) setOwn(merged, key, value);
  }
  return merged;
}

function deepFreeze<Value extends object>(root: Value): Value {
  const rest: object[] = [root];
  for (let value = rest.pop(); value; value = rest.pop()) {
    Object.freeze(value);
    for (const member of Object.values(value)) {
      if (typeof member === "object" && member !== null) rest.push(member);
    }
  }
  return root;
}
