// The worked example of docs/abi.md: an image and a session, byte by byte, each with its name.
import * as L from "../assembly/layout.ts";
import * as S from "../assembly/sweep-layout.ts";

const LAYOUT: Readonly<Record<string, number>> = { ...L, ...S };
const BYTES_PER_LINE = 16;

interface Part {
  at: number;
  bytes: number;
  note: string;
}

/** Fields of a record in their order, by the name that they have in the layout after its prefix. */
const FIELDS: Readonly<Record<string, string>> = {
  IMAGE:
    "MAGIC VERSION SIZE RESERVED CHECKSUM FLAGS FLAG_COUNT SLOTS SLOT_COUNT PREDICATES " +
    "PREDICATE_COUNT NAMES NAMES_SIZE RESULTS_SLOT SWEEP COHORTS COHORT_COUNT",
  FLAG:
    "SEGMENTS SEGMENT_COUNT OUTCOMES OUTCOME_COUNT PARENTS PARENT_COUNT METADATA METADATA_SIZE " +
    "RESULT_SLOTS RESULT_SLOT_END",
  OUTCOME: "SEGMENT_INDEX VARIANT VARIANT_SIZE",
  SEGMENT: "CONDITIONS CONDITION_COUNT BUCKET OUTCOME METADATA METADATA_SIZE",
  PREDICATE: "KIND OP NULL NEGATED SLOT OPERAND COUNT NUMBER NAME NAME_SIZE USES USE_END",
  SLOT:
    "PREDICATES PREDICATE_END ATOMS ATOM_COUNT INDEX INDEX_MASK NEEDS RUNS RUN_COUNT ROWS " +
    "COHORTS COHORT_END MEMBER",
  ATOM: "HASH TEXT BYTES PREDICATES PREDICATE_COUNT",
  SWEEP:
    "WORDS USES CLAUSES FLAGS FLAG_COUNT REST REST_COUNT GROUPS GROUP_COUNT QUEUE_SIZE SLOTS " +
    "SLOT_COUNT ROW_COUNT",
  USE: "CLAUSE PREDICATE",
  CLAUSE: "BUCKET OUTCOME GROUP",
  RUN: "KIND START END",
  SESSION:
    "IMAGE SLOTS PREDICATES OUTCOMES PLAN PLAN_COUNT CURSOR EPOCH HASH ROW QUEUES QUEUE_ENDS " +
    "FORM ROWS RESUME MEMBERS FETCHED ROOT SEAT STANCE",
  STATE: "TAG COUNT RAW_COUNT VALUES BUCKET BUCKET_BYTES",
  VALUE: "TEXT TEXT_BYTES LOWER LOWER_BYTES EXACT EXACT_BYTES FLAGS ATOM NUMBER VERSION",
};
const SIZES: Readonly<Record<string, number>> = {
  IMAGE: L.IMAGE_HEADER_SIZE,
  SESSION: L.SESSION_HEADER_SIZE,
  STATE: L.STATE_VALUE,
};

/** Names of the parts of a block of bytes. */
class Dump {
  readonly #view: DataView;
  readonly #parts: Part[] = [];

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  word(at: number): number {
    return this.#view.getUint32(at, true);
  }

  part(at: number, bytes: number, note: string): void {
    if (bytes > 0 && !this.#parts.some((part) => part.at === at)) {
      this.#parts.push({ at, bytes, note });
    }
  }

  text(pointer: number, bytes: number): void {
    const text = new TextDecoder().decode(
      new Uint8Array(this.#view.buffer, this.#view.byteOffset + pointer, bytes),
    );
    this.part(pointer, bytes, text.length > 24 ? "text" : JSON.stringify(text));
  }

  words(at: number, count: number, note: string): void {
    for (let i = 0; i < count; i++) {
      this.part(at + i * L.U32, L.U32, `${note}[${i}] = ${this.word(at + i * L.U32)}`);
    }
  }

  record(prefix: string, at: number): void {
    const names = FIELDS[prefix].split(" ");
    const offsets = names.map((name) => LAYOUT[`${prefix}_${name}`]);
    const size = SIZES[prefix] ?? LAYOUT[`${prefix}_SIZE`];
    for (const [i, name] of names.entries()) {
      const bytes = (offsets[i + 1] ?? size) - offsets[i];
      const place = at + offsets[i];
      this.part(place, bytes, `${prefix}_${name}${this.#valueAt(place, bytes)}`);
    }
  }

  records(prefix: string, at: number, count: number): number[] {
    const places = Array.from({ length: count }, (_, i) => at + i * LAYOUT[`${prefix}_SIZE`]);
    for (const place of places) this.record(prefix, place);
    return places;
  }

  #valueAt(at: number, bytes: number): string {
    if (bytes === 1) return ` = ${this.#view.getUint8(at)}`;
    if (bytes === 2) return ` = ${this.#view.getUint16(at, true)}`;
    return bytes === 4 ? ` = ${this.word(at)}` : "";
  }

  /** What has no name must be zero, to fill up. */
  lines(): string[] {
    const lines: string[] = [];
    let end = 0;
    for (const { at, bytes, note } of [...this.#parts.sort((a, b) => a.at - b.at), this.#last]) {
      if (at < end) throw new Error(`${note}: expected it behind ${end}, got ${at}`);
      this.#fill(end, at, lines);
      end = at + bytes;
      this.#line(at, end, note, lines);
    }
    return lines;
  }

  get #last(): Part {
    return { at: this.#view.byteLength, bytes: 0, note: "" };
  }

  #fill(start: number, end: number, lines: string[]): void {
    for (let at = start; at < end; at++) {
      if (this.#view.getUint8(at) !== 0) throw new Error(`expected a name for the byte at ${at}`);
    }
    if (end - start > BYTES_PER_LINE) lines.push(`${hex(start, 4)}  00 ... ${end - start} bytes`);
    else this.#line(start, end, "", lines);
  }

  #line(start: number, end: number, note: string, lines: string[]): void {
    for (let at = start; at < end; at += BYTES_PER_LINE) {
      const length = Math.min(BYTES_PER_LINE, end - at);
      const bytes = Array.from({ length }, (_, i) => this.#view.getUint8(at + i));
      const column = bytes.map((byte) => hex(byte, 2)).join(" ");
      const shown = note === "text" ? String.fromCharCode(...bytes) : at === start ? note : "";
      lines.push(`${hex(at, 4)}  ${column.padEnd(bytes.length > 8 ? 48 : 24)} ${shown}`.trimEnd());
    }
  }
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

export function dumpImage(image: Uint8Array): string {
  const dump = new Dump(image);
  const at = (header: number) => dump.word(header);
  dump.record("IMAGE", 0);
  dump.text(at(L.IMAGE_NAMES), at(L.IMAGE_NAMES_SIZE));
  for (const record of dump.records(
    "PREDICATE",
    at(L.IMAGE_PREDICATES),
    at(L.IMAGE_PREDICATE_COUNT),
  )) {
    dump.text(at(record + L.PREDICATE_NAME), at(record + L.PREDICATE_NAME_SIZE));
  }
  for (const record of dump.records("SLOT", at(L.IMAGE_SLOTS), at(L.IMAGE_SLOT_COUNT))) {
    dump.records("RUN", at(record + L.SLOT_RUNS), at(record + L.SLOT_RUN_COUNT));
    dump.words(at(record + L.SLOT_INDEX), at(record + L.SLOT_INDEX_MASK) + 1, "index");
    for (const atom of dump.records(
      "ATOM",
      at(record + L.SLOT_ATOMS),
      at(record + L.SLOT_ATOM_COUNT),
    )) {
      dump.text(at(atom + L.ATOM_TEXT), at(atom + L.ATOM_BYTES));
      dump.words(at(atom + L.ATOM_PREDICATES), at(atom + L.ATOM_PREDICATE_COUNT), "predicates");
    }
  }
  for (const flag of dump.records("FLAG", at(L.IMAGE_FLAGS), at(L.IMAGE_FLAG_COUNT))) {
    for (const segment of dump.records(
      "SEGMENT",
      at(flag + L.FLAG_SEGMENTS),
      at(flag + L.FLAG_SEGMENT_COUNT),
    )) {
      dump.words(
        at(segment + L.SEGMENT_CONDITIONS),
        at(segment + L.SEGMENT_CONDITION_COUNT),
        "conditions",
      );
    }
    for (const outcome of dump.records(
      "OUTCOME",
      at(flag + L.FLAG_OUTCOMES),
      at(flag + L.FLAG_OUTCOME_COUNT),
    )) {
      dump.text(at(outcome + L.OUTCOME_VARIANT), at(outcome + L.OUTCOME_VARIANT_SIZE));
    }
  }
  dumpSweep(dump, at(L.IMAGE_SWEEP));
  return dump.lines().join("\n");
}

function dumpSweep(dump: Dump, sweep: number): void {
  const at = (field: number) => dump.word(sweep + field);
  dump.record("SWEEP", sweep);
  dump.words(at(S.SWEEP_SLOTS), at(S.SWEEP_SLOT_COUNT), "swept slots");
  dump.words(at(S.SWEEP_FLAGS), at(S.SWEEP_FLAG_COUNT) * 2, "first bit, flag");
  dump.words(at(S.SWEEP_GROUPS), (at(S.SWEEP_GROUP_COUNT) * S.GROUP_SIZE) / L.U32, "groups");
  dump.records("USE", at(S.SWEEP_USES), 1);
  dump.records("CLAUSE", at(S.SWEEP_CLAUSES), 2);
}

/** A session of an image with one slot, one predicate and one flag, after its evaluation. */
export function dumpSession(session: Uint8Array, texts: readonly [number, number][]): string {
  const dump = new Dump(session);
  dump.record("SESSION", 0);
  const slots = dump.word(L.SESSION_SLOTS);
  dump.record("STATE", slots);
  dump.record("VALUE", slots + L.STATE_VALUE);
  dump.words(dump.word(L.SESSION_PREDICATES), 1, "predicate");
  for (const [pointer, bytes] of texts) dump.text(pointer, bytes);
  return dump.lines().join("\n");
}
