// The tables of an image while it is compiled: slots, predicates and flags, numbered and written.

import * as L from "../../assembly/layout.ts";
import type { EngineWarning } from "./errors.ts";
import { writeFlag } from "./flag-records.ts";
import { ImageWriter } from "./image-writer.ts";
import { JsonTexts } from "./json-texts.ts";
import { murmur3 } from "./murmur3.ts";
import { NEEDS_OF_KIND, type PredicateSpec } from "./predicate.ts";
import {
  type CohortPlace,
  type CohortSource,
  cohortIndexes,
  cohortSourceOf,
  isLazy,
  namedCohortsOf,
  type SlotCohortsEntry,
  writeSlotCohorts,
} from "./slot-cohorts.ts";
import { comparePredicates, Sweep, writeRuns } from "./sweep.ts";

export interface SlotEntry {
  selector: readonly string[];
  /** The flag whose result is selected; -1 = none; Infinity = the map of all results. */
  resultOf: number;
  isBucket: boolean;
  index: number;
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
}

export class ImageTables {
  readonly flagKeys: readonly string[];
  readonly flagIndexes: ReadonlyMap<string, number>;
  readonly flags: FlagEntry[] = [];
  readonly json = new JsonTexts();
  sweep: Sweep | undefined;
  readonly #slots: SlotEntry[] = [];
  readonly #selectors: SelectorNode = { slot: undefined, next: new Map() };

  constructor(flagKeys: readonly string[]) {
    this.flagKeys = flagKeys;
    this.flagIndexes = new Map(flagKeys.map((key, index) => [key, index]));
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
    node.slot ??= this.#newSlot([...selector]);
    return node.slot;
  }

  #newSlot(selector: readonly string[]): SlotEntry {
    const resultOf = this.#resultOf(selector);
    const predicatesByName = new Map();
    const slot: SlotEntry = {
      selector,
      resultOf,
      isBucket: false,
      index: 0,
      atomCount: 0,
      predicates: [],
      predicatesByName,
      cohortSource: cohortSourceOf(selector),
      cohorts: undefined,
    };
    this.#slots.push(slot);
    return slot;
  }

  /** A predicate of the slot names these, and may ask for them where the context has no list. */
  nameCohorts(slot: SlotEntry, ids: readonly string[], placeOf: (index: number) => CohortPlace) {
    const { groupType, member } = slot.cohortSource!;
    slot.cohorts ??= { groupType, member: this.slot(member), places: new Map(), start: 0 };
    const { places } = slot.cohorts;
    for (let i = 0; i < ids.length; i++) {
      if (!places.has(ids[i])) places.set(ids[i], { ...placeOf(i), index: places.size });
    }
  }

  #resultOf(selector: readonly string[]): number {
    if (selector[0] !== "result") return -1;
    if (selector.length === 1) return Number.POSITIVE_INFINITY;
    return this.flagIndexes.get(selector[1]) ?? -1;
  }

  /** Numbers everything and writes it behind the header. */
  write(headerSize: number, warnings: readonly EngineWarning[]): ImageWriter {
    const writer = new ImageWriter(headerSize);
    const slots = this.#slots.sort((a, b) => a.resultOf - b.resultOf || 0);
    const predicates = this.#number(slots);
    const names = {
      flagKeys: this.flagKeys,
      enabled: this.flags.map((flag) => Number(flag.enabled)),
      selectors: slots.map((slot) => slot.selector),
      sources: slots.map(sourceOf),
      warnings,
      cohorts: slots.flatMap(namedCohortsOf),
    };
    const span = writer.text(JSON.stringify(names));
    writer.setSpan(L.IMAGE_NAMES, span);
    writer.setU32(L.IMAGE_MAGIC, L.MAGIC);
    writer.setU32(L.IMAGE_VERSION, L.LAYOUT_VERSION);
    const results = slots.findIndex((slot) => slot.resultOf === Number.POSITIVE_INFINITY);
    writer.setU32(L.IMAGE_RESULTS_SLOT, results + 1);
    this.#writeTable(writer, L.IMAGE_PREDICATES, predicates, L.PREDICATE_SIZE, writePredicate);
    const cohortAtoms: number[] = [];
    this.#writeTable(writer, L.IMAGE_SLOTS, slots, L.SLOT_SIZE, (out, at, slot) => {
      const atoms = writeSlot(out, at, slot);
      cohortAtoms.push(...writeSlotCohorts(out, at, slot, atoms));
    });
    writer.setU32(L.IMAGE_COHORTS, writer.words(cohortAtoms));
    writer.setU32(L.IMAGE_COHORT_COUNT, cohortAtoms.length);
    const resultSlots = slotsByFlag(slots);
    this.#writeTable(writer, L.IMAGE_FLAGS, this.flags, L.FLAG_SIZE, (out, at, flag, index) => {
      writeFlag(out, at, flag);
      const [start, end] = resultSlots.get(index) ?? [0, 0];
      out.setU32(at + L.FLAG_RESULT_SLOTS, start);
      out.setU32(at + L.FLAG_RESULT_SLOT_END, end);
    });
    this.sweep = Sweep.of(this.flags, slots);
    this.sweep?.write(writer, predicates);
    return writer;
  }

  #number(slots: readonly SlotEntry[]): PredicateEntry[] {
    const predicates: PredicateEntry[] = [];
    let cohortCount = 0;
    for (const [index, slot] of slots.entries()) {
      slot.index = index;
      if (slot.cohorts) {
        slot.cohorts.start = cohortCount;
        cohortCount += slot.cohorts.places.size;
      }
      slot.predicates.sort(comparePredicates);
      for (const predicate of slot.predicates) predicate.index = predicates.push(predicate) - 1;
    }
    return predicates;
  }

  #writeTable<Entry>(
    writer: ImageWriter,
    header: number,
    entries: readonly Entry[],
    size: number,
    write: (writer: ImageWriter, at: number, entry: Entry, index: number) => void,
  ): void {
    const pointer = writer.allocate(entries.length * size);
    for (let i = 0; i < entries.length; i++) write(writer, pointer + i * size, entries[i], i);
    writer.setU32(header, pointer);
    writer.setU32(header + L.U32, entries.length);
  }
}

function sourceOf({ selector, resultOf }: SlotEntry): number {
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

function writePredicate(writer: ImageWriter, at: number, predicate: PredicateEntry): void {
  const { spec, slot, name } = predicate;
  writer.setU8(at + L.PREDICATE_KIND, spec.kind);
  writer.setU8(at + L.PREDICATE_OP, spec.order);
  writer.setU8(at + L.PREDICATE_NULL, spec.matchesNull ? L.PREDICATE_TRUE : L.PREDICATE_FALSE);
  writer.setU8(at + L.PREDICATE_NEGATED, Number(spec.negated));
  writer.setU32(at + L.PREDICATE_SLOT, slot.index);
  writer.setSpan(at + L.PREDICATE_NAME, writer.text(name));
  if (spec.kind === L.KIND_NUMBER) {
    writer.setF64(at + L.PREDICATE_NUMBER, spec.number);
  } else if (spec.kind === L.KIND_VERSION) {
    if (!spec.version) return; // no operand: the host orders by text
    const { major, minor, patch, prerelease } = spec.version;
    const text = writer.text(prerelease ?? "");
    const version = writer.allocate(L.VERSION_SIZE);
    writer.setF64(version + L.VERSION_MAJOR, major);
    writer.setF64(version + L.VERSION_MINOR, minor);
    writer.setF64(version + L.VERSION_PATCH, patch);
    writer.setU32(version + L.VERSION_PRERELEASE, text.pointer);
    writer.setU32(
      version + L.VERSION_PRERELEASE_BYTES,
      prerelease === undefined ? 0 : text.bytes + 1,
    );
    writer.setU32(at + L.PREDICATE_OPERAND, version);
  } else if (spec.kind === L.KIND_CONTAINS) {
    const spans = spec.needles.map((needle) => writer.text(needle));
    const words = spans.flatMap(({ pointer, bytes }) => [pointer, bytes]);
    writer.setU32(at + L.PREDICATE_OPERAND, writer.words(words));
    writer.setU32(at + L.PREDICATE_COUNT, spans.length);
  } else if (spec.kind === L.KIND_SET_ANY && slot.cohorts) {
    const indexes = cohortIndexes(slot.cohorts, spec.values);
    writer.setU32(at + L.PREDICATE_OPERAND, writer.words(indexes));
    writer.setU32(at + L.PREDICATE_COUNT, indexes.length);
  } else {
    writer.setU32(at + L.PREDICATE_OPERAND, spec.values.length);
    writer.setU32(at + L.PREDICATE_COUNT, spec.atoms.length);
  }
}

/** Answers the pointers of its atoms. */
function writeSlot(writer: ImageWriter, at: number, slot: SlotEntry): ReadonlyMap<string, number> {
  const { predicates } = slot;
  let needs = slot.isBucket ? L.NEEDS_BUCKET : 0;
  if (slot.cohorts && isLazy(slot, slot.cohorts)) needs |= L.NEEDS_MEMBER;
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
  writeRuns(writer, at, slot);
  slot.atomCount = atoms.size;
  return atoms.size > 0 ? writeAtoms(writer, at, atoms) : new Map();
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
