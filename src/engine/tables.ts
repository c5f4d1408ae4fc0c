// The tables by which a core evaluates flags one by one, while they are compiled: slots, predicates
// and flags, numbered and written.

import * as L from "../../assembly/layout.ts";
import type { Place } from "./check.ts";
import { writeFlag } from "./flag-records.ts";
import type { ImageWriter } from "./image-writer.ts";
import { jsonText } from "./json-text.ts";
import { murmur3 } from "./murmur3.ts";
import { NEEDS_OF_KIND, type PredicateSpec } from "./predicate.ts";
import type { CohortSource, SlotCohortsEntry } from "./slot-cohorts.ts";
import type { Version } from "./version.ts";

export interface SlotEntry {
  selector: readonly string[];
  /** The flag whose result is selected; -1 = none; Infinity = the map of all results. */
  resultOf: number;
  isBucket: boolean;
  index: number;
  /** NEEDS_*, set when it is written. */
  needs: number;
  atomCount: number;
  predicates: PredicateEntry[];
  predicatesByName: Map<string, PredicateEntry>;
  /** undefined = it is no slot of cohorts */
  cohortSource: CohortSource | undefined;
  /** The cohorts that its predicates name; undefined = none. */
  cohorts: SlotCohortsEntry | undefined;
}

/** Where selectors that begin alike part. */
interface SelectorNode {
  slot: SlotEntry | undefined;
  next: Map<string, SelectorNode>;
}

export interface PredicateEntry {
  /** JSON text of [op, values]: what makes two conditions of a slot one predicate. */
  name: string;
  op: string;
  slot: SlotEntry;
  spec: PredicateSpec;
  index: number;
}

export interface BucketEntry {
  slot: SlotEntry;
  salt: string;
  /** RANGE records. */
  ranges: number[];
  allocations: string;
  /** Set when it is written: where, and the bytes of `salt + "/"`. */
  pointer: number;
  prefixSize: number;
}

export interface SegmentEntry {
  conditions: { predicate: PredicateEntry; last: boolean }[];
  count: number;
  bucket: BucketEntry | undefined;
  outcome: number;
  metadata: string;
}

export interface FlagEntry {
  enabled: boolean;
  parents: number[];
  metadata: string;
  segments: SegmentEntry[];
  /** Outcome n is entry n - 1. */
  outcomes: { segment: number; variant: string }[];
  /** Its conditions that name cohorts. */
  namings: CohortNaming[];
}

/** A condition that names cohorts. */
export interface CohortNaming {
  flagKey: string;
  slot: SlotEntry;
  values: readonly string[];
  place: Place;
}

export class Tables {
  readonly flagKeys: readonly string[];
  readonly flagIndexes: ReadonlyMap<string, number>;
  readonly flags: FlagEntry[] = [];
  readonly slots: SlotEntry[] = [];
  /** Numbered by {@link write}. */
  readonly predicates: PredicateEntry[] = [];
  readonly #selectors: SelectorNode = { slot: undefined, next: new Map() };

  constructor(flagKeys: readonly string[]) {
    this.flagKeys = flagKeys;
    this.flagIndexes = new Map(flagKeys.map((key, index) => [key, index]));
  }

  /** JSON text of a value, "" for none. @throws {@link FlagProblem} at `place` if it has none. */
  json(value: unknown, place: Place): string {
    return jsonText(value, place);
  }

  slot(selector: readonly string[]): SlotEntry {
    let node = this.#selectors;
    for (let i = 0; i < selector.length; i++) {
      let next = node.next.get(selector[i]);
      if (!next) {
        next = { slot: undefined, next: new Map() };
        node.next.set(selector[i], next);
      }
      node = next;
    }
    if (!node.slot) {
      node.slot = this.newSlot([...selector]);
      this.slots.push(node.slot);
    }
    return node.slot;
  }

  protected newSlot(selector: readonly string[]): SlotEntry {
    return {
      selector,
      resultOf: this.#resultOf(selector),
      isBucket: false,
      index: 0,
      needs: 0,
      atomCount: 0,
      predicates: [],
      predicatesByName: new Map(),
      cohortSource: undefined,
      cohorts: undefined,
    };
  }

  #resultOf(selector: readonly string[]): number {
    if (selector[0] !== "result") return -1;
    if (selector.length === 1) return Number.POSITIVE_INFINITY;
    return this.flagIndexes.get(selector[1]) ?? -1;
  }

  /** The next flag. */
  add(flag: FlagEntry): void {
    this.flags.push(flag);
  }

  /** Numbers everything and writes it. */
  write(writer: ImageWriter): void {
    const { slots, predicates } = this;
    slots.sort((a, b) => a.resultOf - b.resultOf || 0);
    for (const [index, slot] of slots.entries()) {
      slot.index = index;
      this.numberPredicates(slot);
    }
    const results = slots.findIndex((slot) => slot.resultOf === Number.POSITIVE_INFINITY);
    writer.setU32(L.IMAGE_RESULTS_SLOT, results + 1);
    writeTable(writer, L.IMAGE_PREDICATES, predicates, L.PREDICATE_SIZE, (at, predicate) =>
      this.writePredicate(writer, at, predicate),
    );
    writeTable(writer, L.IMAGE_SLOTS, slots, L.SLOT_SIZE, (at, slot) =>
      this.writeSlot(writer, at, slot),
    );
    const resultSlots = slotsByFlag(slots);
    writeTable(writer, L.IMAGE_FLAGS, this.flags, L.FLAG_SIZE, (at, flag, index) => {
      this.writeFlag(writer, at, flag);
      const [start, end] = resultSlots.get(index) ?? [0, 0];
      writer.setU32(at + L.FLAG_RESULT_SLOTS, start);
      writer.setU32(at + L.FLAG_RESULT_SLOT_END, end);
    });
  }

  protected writeFlag(writer: ImageWriter, at: number, flag: FlagEntry): void {
    writeFlag(writer, at, flag);
  }

  protected numberPredicates({ predicates }: SlotEntry): void {
    for (const predicate of predicates) predicate.index = this.predicates.push(predicate) - 1;
  }

  protected writePredicate(writer: ImageWriter, at: number, predicate: PredicateEntry): void {
    const { spec, slot } = predicate;
    writer.setU8(at + L.PREDICATE_KIND, spec.kind);
    writer.setU8(at + L.PREDICATE_OP, spec.order);
    writer.setU8(at + L.PREDICATE_NULL, spec.matchesNull ? L.PREDICATE_TRUE : L.PREDICATE_FALSE);
    writer.setU8(at + L.PREDICATE_NEGATED, Number(spec.negated));
    writer.setU32(at + L.PREDICATE_SLOT, slot.index);
    if (spec.kind === L.KIND_NUMBER) {
      writer.setF64(at + L.PREDICATE_NUMBER, spec.number);
    } else if (spec.kind === L.KIND_VERSION) {
      // No operand: the host orders by text.
      if (spec.version) {
        writer.setU32(at + L.PREDICATE_OPERAND, writeVersion(writer, spec.version));
      }
    } else if (spec.kind === L.KIND_CONTAINS) {
      const spans = spec.needles.map((needle) => writer.text(needle));
      const words = spans.flatMap(({ pointer, bytes }) => [pointer, bytes]);
      writer.setTable(at + L.PREDICATE_OPERAND, words, spans.length);
    } else {
      writer.setU32(at + L.PREDICATE_OPERAND, spec.values.length);
      writer.setU32(at + L.PREDICATE_COUNT, spec.atoms.length);
    }
  }

  /** Answers the pointers of its atoms. */
  protected writeSlot(
    writer: ImageWriter,
    at: number,
    slot: SlotEntry,
  ): ReadonlyMap<string, number> {
    const { predicates } = slot;
    let needs = slot.isBucket ? L.NEEDS_BUCKET : 0;
    const atoms = new Map<string, number[]>();
    for (const { spec, index } of predicates) {
      needs |= NEEDS_OF_KIND[spec.kind];
      for (const text of spec.atoms) {
        const named = atoms.get(text);
        if (named) named.push(index);
        else atoms.set(text, [index]);
      }
    }
    const first = predicates.length > 0 ? predicates[0].index : 0;
    writer.setU32(at + L.SLOT_PREDICATES, first);
    writer.setU32(at + L.SLOT_PREDICATE_END, first + predicates.length);
    writer.setU32(at + L.SLOT_NEEDS, needs);
    slot.needs = needs;
    slot.atomCount = atoms.size;
    return atoms.size > 0 ? writeAtoms(writer, at, atoms) : new Map();
  }
}

function writeTable<Entry>(
  writer: ImageWriter,
  header: number,
  entries: readonly Entry[],
  size: number,
  write: (at: number, entry: Entry, index: number) => void,
): void {
  const pointer = writer.allocate(entries.length * size);
  for (let i = 0; i < entries.length; i++) write(pointer + i * size, entries[i], i);
  writer.setU32(header, pointer);
  writer.setU32(header + L.U32, entries.length);
}

/** The flag whose result a slot reads, or FROM_*. */
export function sourceOf({ selector, resultOf }: SlotEntry): number {
  if (resultOf === Number.POSITIVE_INFINITY) return L.FROM_RESULTS;
  if (resultOf >= 0) return resultOf;
  return selector[0] === "context" ? L.FROM_CONTEXT : L.FROM_NOWHERE;
}

/** Slots are sorted by the flag whose result they read, so each flag's are contiguous. */
function slotsByFlag(slots: readonly SlotEntry[]): Map<number, [number, number]> {
  const ranges = new Map<number, [number, number]>();
  for (const { resultOf, index } of slots) {
    const range = ranges.get(resultOf);
    if (range) range[1] = index + 1;
    else if (resultOf >= 0) ranges.set(resultOf, [index, index + 1]);
  }
  return ranges;
}

/** Answers its pointer. */
function writeVersion(writer: ImageWriter, version: Version): number {
  const { major, minor, patch, prerelease } = version;
  const text = writer.text(prerelease ?? "");
  const at = writer.allocate(L.VERSION_SIZE);
  writer.setF64(at + L.VERSION_MAJOR, major);
  writer.setF64(at + L.VERSION_MINOR, minor);
  writer.setF64(at + L.VERSION_PATCH, patch);
  writer.setU32(at + L.VERSION_PRERELEASE, text.pointer);
  const bytes = prerelease === undefined ? 0 : text.bytes + 1;
  writer.setU32(at + L.VERSION_PRERELEASE_BYTES, bytes);
  return at;
}

function writeAtoms(
  writer: ImageWriter,
  at: number,
  atoms: ReadonlyMap<string, number[]>,
): ReadonlyMap<string, number> {
  const pointers = new Map<string, number>();
  // At most half full, so that a miss ends soon.
  const indexSize = 2 ** Math.ceil(Math.log2(atoms.size * 2 + 1));
  const index = new Uint32Array(indexSize);
  const table = writer.allocate(atoms.size * L.ATOM_SIZE);
  let number = 0;
  for (const [text, predicates] of atoms) {
    const span = writer.text(text);
    const bytes = writer.bytesOf(span);
    const hash = murmur3(bytes, 0, bytes.length);
    const atom = table + number * L.ATOM_SIZE;
    pointers.set(text, atom);
    writer.setU32(atom + L.ATOM_HASH, hash);
    writer.setSpan(atom + L.ATOM_TEXT, span);
    writer.setU32(atom + L.ATOM_PREDICATES, writer.words(predicates));
    writer.setU32(atom + L.ATOM_PREDICATE_COUNT, predicates.length);
    let place = hash & (indexSize - 1);
    while (index[place]) place = (place + 1) & (indexSize - 1);
    index[place] = ++number;
  }
  writer.setU32(at + L.SLOT_ATOMS, table);
  writer.setU32(at + L.SLOT_ATOM_COUNT, atoms.size);
  writer.setU32(at + L.SLOT_INDEX, writer.words(index));
  writer.setU32(at + L.SLOT_INDEX_MASK, indexSize - 1);
  return pointers;
}
