// The relations that the layout's constants must keep, derived anew.
import { expect, test } from "vitest";
import * as L from "../assembly/layout.ts";
import * as S from "../assembly/store-layout.ts";

type Name = keyof typeof L;

/** Fields of a record: its prefix, without the `_SIZE`, limits and closed lists. */
function fieldsOf(prefix: string, fields: readonly string[]): number[] {
  return fields.map((field) => L[`${prefix}_${field}` as Name] as number);
}

const RECORDS: [string, string[], number][] = [
  ["FLAG", ["SEGMENTS", "SEGMENT_COUNT", "OUTCOMES", "OUTCOME_COUNT", "PARENTS"], L.FLAG_SIZE],
  ["SEGMENT", ["CONDITIONS", "CONDITION_COUNT", "BUCKET", "OUTCOME", "METADATA"], L.SEGMENT_SIZE],
  ["BUCKET", ["SLOT", "SEED", "TAIL", "SALT_SIZE", "RANGES", "RANGE_COUNT"], L.BUCKET_SIZE],
  ["ATOM", ["HASH", "TEXT", "BYTES", "PREDICATES", "PREDICATE_COUNT"], L.ATOM_SIZE],
  ["STATE", ["TAG", "COUNT", "RAW_COUNT", "VALUES", "BUCKET", "BUCKET_BYTES"], L.STATE_SIZE],
];

test.each(RECORDS)(
  "%s: fields ascend by one word and end inside the record",
  (name, fields, size) => {
    const offsets = fieldsOf(name, fields);
    expect(offsets).toEqual(offsets.map((_, index) => index * L.U32));
    expect(offsets.at(-1)! + L.U32).toBeLessThanOrEqual(size);
  },
);

test("floats and 64-bit words are aligned", () => {
  const offsets = [
    L.IMAGE_CHECKSUM,
    L.PREDICATE_NUMBER,
    L.PREDICATE_SIZE,
    L.VALUE_NUMBER,
    L.VALUE_VERSION,
    L.VALUE_SIZE,
    L.VERSION_SIZE,
    L.STATE_VALUE,
    L.STATE_SIZE,
    L.IMAGE_HEADER_SIZE,
  ];
  for (const offset of offsets) expect(offset % 8).toBe(0);
});

test("what threads share fits: seats on their lines, members in blocks, holds below roots", () => {
  expect(S.SEAT_LIVES + S.SEAT_LIFE_COUNT * L.U32).toBeLessThanOrEqual(S.SEAT_SIZE);
  expect(S.SEAT_WAITERS + L.U32).toBeLessThanOrEqual(S.SEAT_LIVES);
  expect(S.STORE_PROBE + L.U32).toBeLessThanOrEqual(S.STORE_CURRENT);
  for (const offset of [S.STORE, S.STORE_CURRENT, S.STORE_SEATS]) expect(offset % 64).toBe(0);
  expect(S.BLOCK_MEMBERS).toBe(Math.floor(S.BLOCK_SIZE / S.MEMBER_SIZE));
  const holds = [S.HOLD_IDLE, S.HOLD_BUSY, S.HOLD_ENTERING];
  expect(new Set(holds).size).toBe(3);
  for (const hold of holds) expect(hold > 0 && hold < 16).toBe(true);
});

test("closed lists are numbered from 1 without gaps", () => {
  const names = Object.keys(L) as Name[];
  for (const prefix of ["KIND_", "OP_"]) {
    const numbers = names.filter((name) => name.startsWith(prefix)).map((name) => L[name]);
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  }
});

test("the magic number spells HLYD", () => {
  const bytes = new Uint8Array(Uint32Array.of(L.MAGIC).buffer);
  expect(String.fromCharCode(...bytes)).toBe("HLYD");
});
