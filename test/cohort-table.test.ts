// The table of a cohort by hand: fingerprints, and members that crowd in one place.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Engine } from "halyard/engine";
import { describe, expect, test } from "vitest";
import {
  BLOCK_MEMBERS,
  BLOCK_SIZE,
  TABLE_BLOCKS,
  TABLE_COUNT,
  TABLE_END,
  TABLE_HOMES,
} from "../assembly/store-layout.ts";
import { flagOf, isIn } from "./cohort-fixture.ts";
import { seededRandom } from "./random.ts";

interface Core {
  addMembers(table: number, at: number, end: number, scratch: number): number;
  copyMembers(from: number, to: number, slot: number, end: number): number;
}

const PAGES = 64;
const [SCRATCH, IDS, TABLE, OTHER] = [4_096, 8_192, 1_048_576, 2_097_152];
const text = new TextEncoder();

const builds: [string, () => [Core, ArrayBufferLike]][] = [
  ["core.wasm", () => wasm("core.wasm", false)],
  ["core.simd.wasm", () => wasm("core.simd.wasm", false)],
  ["core.shared.wasm", () => wasm("core.shared.wasm", true)],
  ["core.js", js],
];

function wasm(name: string, shared: boolean): [Core, ArrayBufferLike] {
  const bytes = readFileSync(new URL(`../dist/${name}`, import.meta.url));
  const maximum = 65_536;
  const memory = new WebAssembly.Memory({ initial: PAGES, ...(shared && { shared, maximum }) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return [exports as unknown as Core, memory.buffer];
}

function js(): [Core, ArrayBufferLike] {
  const memory = { buffer: new ArrayBuffer(PAGES * 65_536) };
  const build = createRequire(import.meta.url)("../dist/core.js");
  return [build.instantiate({ env: { memory } }), memory.buffer];
}

/** A core, and a table at an address that somebody who knows the layout has laid out. */
class Bench {
  readonly core: Core;
  readonly view: DataView;
  readonly u8: Uint8Array;

  constructor([core, buffer]: [Core, ArrayBufferLike]) {
    this.core = core;
    this.view = new DataView(buffer);
    this.u8 = new Uint8Array(buffer);
  }

  layOut(table: number, homes: number, end: number, missing: readonly number[] = []): void {
    const blocks = Math.ceil(end / BLOCK_MEMBERS);
    const first = table + 1_024;
    this.u8.fill(0, table, first + blocks * BLOCK_SIZE);
    this.view.setUint32(table + TABLE_HOMES, homes, true);
    this.view.setUint32(table + TABLE_END, end, true);
    for (let block = 0; block < blocks; block++) {
      if (missing.includes(block)) continue;
      this.view.setUint32(table + TABLE_BLOCKS + block * 4, first + block * BLOCK_SIZE, true);
    }
  }

  count(table: number): number {
    return this.view.getUint32(table + TABLE_COUNT, true);
  }

  /** Adds ids; answers how many have found room. */
  add(table: number, ids: readonly Uint8Array[]): number {
    for (const [index, id] of ids.entries()) {
      this.view.setUint32(IDS, id.length, true);
      this.u8.set(id, IDS + 4);
      const end = IDS + 4 + ((id.length + 3) & ~3);
      const at = this.core.addMembers(table, IDS, end, SCRATCH) >>> 0;
      if (at !== end) {
        expect(at).toBe(IDS);
        return index;
      }
    }
    return ids.length;
  }

  /** Of the id that was added last: the word by which it has its place, and the rest. */
  get fingerprint(): [number, bigint] {
    return [this.view.getUint32(SCRATCH, true), this.view.getBigUint64(SCRATCH + 4, true)];
  }
}

const BITS = 64n;
const word = (value: bigint) => BigInt.asUintN(64, value);
const turn = (value: bigint, by: bigint) => word((value << by) | (value >> (BITS - by)));

/** MurmurHash3 x64 128, seed 0, as its author states it, in integers without end. */
function murmur3(bytes: Uint8Array): [bigint, bigint] {
  const [c1, c2] = [0x87c37b91114253d5n, 0x4cf5ad432745937fn];
  const mix1 = (k: bigint) => word(turn(word(k * c1), 31n) * c2);
  const mix2 = (k: bigint) => word(turn(word(k * c2), 33n) * c1);
  const read = (from: number, to: number) => {
    let value = 0n;
    for (let i = Math.min(to, bytes.length) - 1; i >= from; i--) {
      value = (value << 8n) | BigInt(bytes[i]);
    }
    return value;
  };
  const finish = (k: bigint) => {
    const a = word((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn);
    const b = word((a ^ (a >> 33n)) * 0xc4ceb9fe1a85ec53n);
    return b ^ (b >> 33n);
  };
  let [h1, h2] = [0n, 0n];
  let at = 0;
  for (; at + 16 <= bytes.length; at += 16) {
    h1 = word((turn(h1 ^ mix1(read(at, at + 8)), 27n) + h2) * 5n + 0x52dce729n);
    h2 = word((turn(h2 ^ mix2(read(at + 8, at + 16)), 31n) + h1) * 5n + 0x38495ab5n);
  }
  h2 ^= mix2(read(at + 8, at + 16));
  h1 ^= mix1(read(at, at + 8));
  const size = BigInt(bytes.length);
  h1 = word((h1 ^ size) + (h2 ^ size));
  h2 = word((h2 ^ size) + h1);
  [h1, h2] = [finish(h1), finish(h2)];
  h1 = word(h1 + h2);
  return [h1, word(h2 + h1)];
}

const fox = text.encode("The quick brown fox jumps over the lazy dog");

test("the other implementation knows the published value", () => {
  expect(murmur3(fox)).toEqual([0xe34bbc7bbc071b6cn, 0x7a433ca9c49a9347n]);
});

describe.each(builds)("%s", (_, make) => {
  test("a fingerprint is MurmurHash3 x64 128 without the lower word of its first half", () => {
    const bench = new Bench(make());
    const random = seededRandom(7);
    const bytesOf = (length: number) => Uint8Array.from({ length }, () => random.int(256));
    const lengths = Array.from({ length: 300 }, (_, index) => index % 60);
    const ids = [
      fox,
      ...lengths.map(bytesOf),
      bytesOf(1_000),
      new Uint8Array(16),
      new Uint8Array(3),
    ];
    for (const id of ids) {
      bench.layOut(TABLE, 4, 8);
      // What stands behind the id must not count.
      bench.u8.fill(random.int(256), IDS, IDS + 2_000);
      expect(bench.add(TABLE, [id])).toBe(1);
      const [h1, h2] = murmur3(id);
      expect(bench.fingerprint, `${id.length} bytes`).toEqual([Number(h1 >> 32n), h2 || 1n]);
    }
  });

  const ids = Array.from({ length: 3_000 }, (_, index) => text.encode(`member ${index}`));

  test("members whose place is the same are all found", () => {
    const bench = new Bench(make());
    bench.layOut(TABLE, 1, ids.length);
    expect(bench.add(TABLE, ids)).toBe(ids.length);
    expect(bench.count(TABLE)).toBe(ids.length);
    // Who is found is not added again.
    expect(bench.add(TABLE, ids)).toBe(ids.length);
    expect(bench.count(TABLE)).toBe(ids.length);
    expect(bench.add(TABLE, [fox])).toBe(0);
    bench.layOut(OTHER, 4_000, 4_300);
    expect(bench.core.copyMembers(TABLE, OTHER, 0, ids.length)).toBe(ids.length);
    expect(bench.count(OTHER)).toBe(ids.length);
    expect(bench.add(OTHER, ids)).toBe(ids.length);
    expect(bench.count(OTHER)).toBe(ids.length);
  });

  test("a full table, or one of which a block is missing, takes no more and does not hang", () => {
    const bench = new Bench(make());
    bench.layOut(TABLE, 1_000, 1_000);
    const taken = bench.add(TABLE, ids);
    expect(taken).toBeLessThan(1_000);
    expect(bench.count(TABLE)).toBe(taken);
    bench.layOut(OTHER, 4_000, 4_100, [1]);
    expect(bench.add(OTHER, ids)).toBeLessThan(100);
    bench.layOut(OTHER, 100, 110);
    const slot = bench.core.copyMembers(TABLE, OTHER, 0, 1_000);
    expect(slot).toBeLessThan(1_000);
    expect(bench.count(OTHER)).toBeLessThanOrEqual(110);
  });
});

/** Ids whose place is in the first or the last `share` of any table. */
function crowd(count: number, share: number, isLast: boolean): string[] {
  const bench = new Bench(wasm("core.simd.wasm", false));
  const found: string[] = [];
  for (let tried = 0; found.length < count; tried++) {
    const id = `crowd ${tried}`;
    bench.view.setUint32(TABLE + TABLE_COUNT, 0, true);
    // No block is there: only the fingerprint is wanted.
    bench.view.setUint32(IDS, text.encodeInto(id, bench.u8.subarray(IDS + 4)).written, true);
    bench.core.addMembers(TABLE, IDS, IDS + 4, SCRATCH);
    const place = bench.view.getUint32(SCRATCH, true) / 2 ** 32;
    if (isLast ? place >= 1 - share : place < share) found.push(id);
  }
  return found;
}

test.each([true, false])("ids that crowd at the end of a table: %s", (isLast) => {
  const ids = crowd(4_000, 1 / 300, isLast);
  const [members, others] = [ids.slice(0, 3_500), ids.slice(3_500)];
  for (const source of [members, members.values(), [...others, ...members].values()]) {
    const engine = Engine.loadSync([flagOf("flag", ["c"])]);
    const isWithOthers = engine.setCohort("c", "User", source).size > members.length;
    expect(engine.cohorts[0].size).toBe(isWithOthers ? ids.length : members.length);
    expect(isIn(engine, members)).toEqual(members.map(() => true));
    expect(isIn(engine, others)).toEqual(others.map(() => isWithOthers));
    const before = engine.memoryBytes;
    for (let i = 0; i < 20; i++) engine.setCohort("c", "User", members);
    expect(engine.memoryBytes - before).toBeLessThan(1_000_000);
  }
});

test("no stranger among 200,000 is taken for one of 200,000 members", () => {
  const engine = Engine.loadSync([flagOf("flag", ["c"])]);
  const random = seededRandom(3);
  const hex = () =>
    random
      .int(2 ** 32)
      .toString(16)
      .padStart(8, "0");
  const idOf = () => `${hex()}-${hex()}-${hex()}`;
  const members = Array.from({ length: 200_000 }, idOf);
  const strangers = members.map((id) => id.slice(0, -1) + (id.endsWith("0") ? "1" : "0"));
  const known = new Set(members);
  expect(engine.setCohort("c", "User", members).size).toBe(known.size);
  const wrong = (ids: string[]) =>
    isIn(engine, ids).filter((is, row) => is !== known.has(ids[row]));
  expect(wrong(members).length).toBe(0);
  expect(wrong(strangers).length).toBe(0);
  expect(wrong(Array.from({ length: 200_000 }, idOf)).length).toBe(0);
});
