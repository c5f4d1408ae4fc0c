// The tables by which the core evaluates all flags at once (assembly/sweep.ts).

import * as L from "../../assembly/layout.ts";
import * as S from "../../assembly/sweep-layout.ts";
import type { ImageWriter } from "./image-writer.ts";
import { type FlagGraph, orderOf } from "./order.ts";
import type { BucketEntry, FlagEntry, PredicateEntry, SlotEntry } from "./tables.ts";
import { compareVersions } from "./version.ts";

/** An AND list of a flag, and what it gives if it is the first that holds. */
interface Clause {
  predicates: PredicateEntry[];
  bucket: BucketEntry | undefined;
  outcome: number;
}

interface SweptFlag {
  flag: number;
  bit: number;
  clauses: Clause[];
}

/** Buckets that hash alike. */
interface Group {
  index: number;
  slot: number;
  shift: number;
  /** Flags that may queue a bucket here. */
  size: number;
}

const WORD_BITS = 32;
/** A row is merged in blocks of this many bytes. */
const BLOCK_SIZE = 16;
/** Marking this many uses takes longer than merging a block. */
const USES_PER_BLOCK = 1;
/** Clauses without a bucket name this group; nothing stays in its queue. */
const NO_GROUP = -1;

function runKindOf({ spec }: PredicateEntry): number {
  if (spec.kind === L.KIND_IS) return spec.negated ? S.RUN_UNNAMED : S.RUN_NAMED;
  if (spec.kind === L.KIND_SET_ANY) return spec.negated ? S.RUN_NOT_ANY : S.RUN_ANY;
  if (spec.kind === L.KIND_NUMBER) return S.RUN_ORDERED;
  // Without a version the host orders by text.
  return spec.kind === L.KIND_VERSION && spec.version ? S.RUN_ORDERED : S.RUN_EACH;
}

function isLess({ spec }: PredicateEntry): boolean {
  return spec.order === L.OP_LESS || spec.order === L.OP_LESS_OR_EQUAL;
}

/** Negative if `a`'s limit is the lower one; a limit that is no number is the lowest. */
function compareLimits(a: PredicateEntry, b: PredicateEntry): number {
  if (a.spec.version && b.spec.version) return compareVersions(a.spec.version, b.spec.version);
  const [x, y] = [a.spec.number, b.spec.number];
  if (x === y || Object.is(x, y)) return 0;
  return x < y || Number.isNaN(x) ? -1 : 1;
}

/** Whatever the value, the false ones of an ordered run come first. */
function compareOrdered(a: PredicateEntry, b: PredicateEntry): number {
  const hasNaN = Number.isNaN(a.spec.number) || Number.isNaN(b.spec.number);
  const limits = compareLimits(a, b);
  if (limits !== 0) return isLess(a) || (hasNaN && !a.spec.version) ? limits : -limits;
  // At its limit `less` is false, `less or equal` true: the strict one comes first.
  const isStrict = ({ spec }: PredicateEntry) =>
    spec.order === L.OP_LESS || spec.order === L.OP_GREATER;
  return Number(isStrict(b)) - Number(isStrict(a));
}

/** Whether two predicates of a slot belong to one run. */
function isOneRun(a: PredicateEntry, b: PredicateEntry): boolean {
  const kind = runKindOf(a);
  if (kind !== runKindOf(b)) return false;
  return kind !== S.RUN_ORDERED || (a.spec.kind === b.spec.kind && isLess(a) === isLess(b));
}

/** The order of a slot's predicates: by kind, in runs. */
export function comparePredicates(a: PredicateEntry, b: PredicateEntry): number {
  if (a.spec.kind !== b.spec.kind) return a.spec.kind - b.spec.kind;
  const runs = runKindOf(a) - runKindOf(b);
  if (runs !== 0 || runKindOf(a) !== S.RUN_ORDERED) return runs;
  const sides = Number(isLess(a)) - Number(isLess(b));
  return sides !== 0 ? sides : compareOrdered(a, b);
}

/** Writes the runs of a slot whose record is at `at`. */
export function writeRuns(writer: ImageWriter, at: number, slot: SlotEntry): void {
  const words: number[] = [];
  const { predicates } = slot;
  for (let start = 0, end = 0; start < predicates.length; start = end) {
    const first = predicates[start];
    while (end < predicates.length && isOneRun(first, predicates[end])) end++;
    words.push(runKindOf(first), first.index, predicates[end - 1].index + 1);
  }
  writer.setU32(at + L.SLOT_RUNS, writer.words(words));
  writer.setU32(at + L.SLOT_RUN_COUNT, (words.length * L.U32) / S.RUN_SIZE);
}

function clausesOf(flag: FlagEntry): Clause[] {
  const clauses: Clause[] = [];
  for (const segment of flag.segments) {
    const { bucket, outcome, count, conditions } = segment;
    // A segment that gives nothing changes nothing.
    if ((!bucket && outcome === 0) || count === L.CONDITIONS_NEVER) continue;
    if (count === L.CONDITIONS_ALWAYS) {
      clauses.push({ predicates: [], bucket, outcome });
      if (!bucket) return clauses;
      continue;
    }
    let predicates: PredicateEntry[] = [];
    for (const { predicate, last } of conditions) {
      predicates.push(predicate);
      if (!last) continue;
      clauses.push({ predicates, bucket, outcome });
      predicates = [];
    }
  }
  clauses.push({ predicates: [], bucket: undefined, outcome: 0 });
  return clauses;
}

/** Whether clauses can be too many; there are never more than this counts. */
function hasManyClauses({ segments }: FlagEntry): boolean {
  let count = 1;
  for (const { conditions } of segments) count += Math.max(conditions.length, 1);
  return count > S.CLAUSE_COUNT_MAX;
}

/**
 * The flags that cannot be swept, by the flag: those that read results, those whose result is read
 * by a flag that comes before them (it must find none yet), and those with too many clauses.
 */
function unsweepable(flags: readonly FlagEntry[], order: Uint32Array): Set<number> {
  const positions = new Map<number, number>();
  for (const [position, flag] of order.entries()) positions.set(flag, position);
  const rest = new Set<number>();
  for (const [index, flag] of flags.entries()) {
    if (hasManyClauses(flag) && clausesOf(flag).length > S.CLAUSE_COUNT_MAX) rest.add(index);
    const visit = ({ resultOf }: SlotEntry): void => {
      if (resultOf < 0) return;
      rest.add(index);
      if (positions.get(resultOf)! >= positions.get(index)!) rest.add(resultOf);
    };
    for (const { conditions, bucket } of flag.segments) {
      for (const { predicate } of conditions) visit(predicate.slot);
      if (bucket) visit(bucket.slot);
    }
  }
  return rest;
}

/** Collects what is swept, and writes it. */
export class Sweep {
  readonly #swept: SweptFlag[] = [];
  readonly #rest: number[];
  /** The slots that swept flags read, and how many conditions test each. */
  readonly #slots = new Map<SlotEntry, number>();
  readonly #groups = new Map<number, Group>([[NO_GROUP, { index: 0, slot: 0, shift: 0, size: 0 }]]);
  #bits = 0;

  private constructor(flags: readonly FlagEntry[], rest: ReadonlySet<number>, order: Uint32Array) {
    this.#rest = [...order].filter((flag) => rest.has(flag));
    for (const [index, flag] of flags.entries()) {
      if (!rest.has(index)) this.#add(index, clausesOf(flag));
    }
  }

  /** Undefined if a flag reads all results, which only the evaluation in order can tell. */
  static of(flags: readonly FlagEntry[], slots: readonly SlotEntry[]): Sweep | undefined {
    if (slots.some((slot) => slot.resultOf === Number.POSITIVE_INFINITY)) return undefined;
    const graph: FlagGraph = {
      count: flags.length,
      parentsOf: (flag) => flags[flag].parents,
    };
    const order = orderOf(graph);
    const sweep = new Sweep(flags, unsweepable(flags, order), order);
    return sweep.#groups.size <= S.GROUP_COUNT_MAX ? sweep : undefined;
  }

  /** Writes the tables, and what belongs into the records of predicates and slots. */
  write(writer: ImageWriter, predicates: readonly PredicateEntry[]): void {
    const groups = [...this.#groups.values()];
    const clauses = this.#writeClauses(writer);
    const uses = this.#writeUses(writer, predicates);
    const table = writer.allocate(S.SWEEP_SIZE);
    writer.setU32(L.IMAGE_SWEEP, table);
    writer.setU32(table + S.SWEEP_WORDS, Math.ceil(this.#bits / WORD_BITS));
    writer.setU32(table + S.SWEEP_USES, uses);
    writer.setU32(table + S.SWEEP_CLAUSES, clauses);
    const flags = this.#swept.flatMap(({ bit, flag }) => [bit, flag]);
    writer.setU32(table + S.SWEEP_FLAGS, writer.words(flags));
    writer.setU32(table + S.SWEEP_FLAG_COUNT, this.#swept.length);
    writer.setU32(table + S.SWEEP_REST, writer.words(this.#rest));
    writer.setU32(table + S.SWEEP_REST_COUNT, this.#rest.length);
    let queued = 0;
    const groupRecords = groups.flatMap(({ slot, shift, size }) => {
      const first = queued;
      // One more: the core writes an entry before it knows whether the clause has a bucket.
      queued += size + 1;
      return [slot, shift, first, 0];
    });
    writer.setU32(table + S.SWEEP_GROUPS, writer.words(groupRecords));
    writer.setU32(table + S.SWEEP_GROUP_COUNT, groups.length);
    writer.setU32(table + S.SWEEP_QUEUE_SIZE, queued);
    const slots = [...this.#slots.keys()].map((slot) => slot.index).sort((a, b) => a - b);
    writer.setU32(table + S.SWEEP_SLOTS, writer.words(slots));
    writer.setU32(table + S.SWEEP_SLOT_COUNT, slots.length);
    writer.setU32(table + S.SWEEP_ROW_COUNT, this.#giveRows(writer));
  }

  /** Gives rows to the slots that save steps by them; answers how many rows. */
  #giveRows(writer: ImageWriter): number {
    const records = writer.u32(L.IMAGE_SLOTS);
    const words = Math.ceil(this.#bits / WORD_BITS);
    const blocks = Math.ceil((words * L.U32) / BLOCK_SIZE);
    const size = L.KEPT_WORDS + blocks * BLOCK_SIZE;
    let count = 0;
    for (const [slot, uses] of this.#slots) {
      const rows = slot.atomCount + 1;
      const isSimple = slot.predicates.every(({ spec }) => spec.kind === L.KIND_IS);
      if (!isSimple || uses < blocks * USES_PER_BLOCK) continue;
      if ((count + rows) * size > S.ROWS_SIZE_MAX) continue;
      writer.setU32(records + slot.index * L.SLOT_SIZE + L.SLOT_ROWS, count + 1);
      count += rows;
    }
    return count;
  }

  #add(flag: number, clauses: Clause[]): void {
    // A flag's clauses lie in one word.
    const room = WORD_BITS - (this.#bits % WORD_BITS);
    if (clauses.length > room) this.#bits += room;
    this.#swept.push({ flag, bit: this.#bits, clauses });
    this.#bits += clauses.length;
    const groups = new Set<Group>();
    for (const { predicates, bucket } of clauses) {
      for (const { slot } of predicates) this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + 1);
      if (!bucket) continue;
      this.#slots.set(bucket.slot, this.#slots.get(bucket.slot) ?? 0);
      groups.add(this.#groupOf(bucket));
    }
    for (const group of groups) group.size++;
  }

  #groupOf(bucket: BucketEntry): Group {
    const slot = bucket.slot.index;
    const left = bucket.prefixSize % L.U32;
    const id = slot * L.U32 + left;
    let group = this.#groups.get(id);
    if (!group) {
      group = { index: this.#groups.size, slot, shift: left * 8, size: 0 };
      this.#groups.set(id, group);
    }
    return group;
  }

  #writeClauses(writer: ImageWriter): number {
    const table = writer.allocate(this.#bits * S.CLAUSE_SIZE);
    for (const { bit, clauses } of this.#swept) {
      for (const [i, { bucket, outcome }] of clauses.entries()) {
        const at = table + (bit + i) * S.CLAUSE_SIZE;
        writer.setU16(at + S.CLAUSE_OUTCOME, outcome);
        if (!bucket) continue;
        writer.setU32(at + S.CLAUSE_BUCKET, bucket.pointer);
        writer.setU16(at + S.CLAUSE_GROUP, this.#groupOf(bucket).index);
      }
    }
    return table;
  }

  /** Uses stand in the order of their predicates. */
  #writeUses(writer: ImageWriter, predicates: readonly PredicateEntry[]): number {
    const records = writer.u32(L.IMAGE_PREDICATES);
    const bits: number[][] = predicates.map(() => []);
    for (const { bit, clauses } of this.#swept) {
      for (const [i, clause] of clauses.entries()) {
        for (const { index } of clause.predicates) bits[index].push(bit + i);
      }
    }
    const words: number[] = [];
    for (const [index, clauses] of bits.entries()) {
      const record = records + index * L.PREDICATE_SIZE;
      writer.setU32(record + L.PREDICATE_USES, (words.length * L.U32) / S.USE_SIZE);
      for (const clause of clauses) words.push(clause, index);
      writer.setU32(record + L.PREDICATE_USE_END, (words.length * L.U32) / S.USE_SIZE);
    }
    return writer.words(words);
  }
}
