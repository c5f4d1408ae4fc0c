// The members of a cohort: a table of fingerprints in blocks (TABLE in store-layout.ts).

import { storeFingerprint } from "./fingerprint";
import {
  BLOCK_MEMBERS,
  MEMBER_FIRST,
  MEMBER_REST,
  MEMBER_SIZE,
  TABLE_BLOCKS,
  TABLE_COUNT,
  TABLE_END,
  TABLE_HOMES,
} from "./store-layout";

const ABSENT = 0;
const PRESENT = 1;
/** The slots end, or the block is not there yet. */
const NO_ROOM = 2;

function homeOf(table: usize, fingerprint: usize): u32 {
  return <u32>((<u64>load<u32>(fingerprint) * <u64>load<u32>(table, TABLE_HOMES)) >>> 32);
}

function blockOf(table: usize, block: u32): usize {
  return load<u32>(table + (block << 2), TABLE_BLOCKS);
}

/** Where a member's place may be: for the processor to fetch while it looks at others. */
export function touchHome(table: usize, fingerprint: usize): u32 {
  const home = homeOf(table, fingerprint);
  const block = home / BLOCK_MEMBERS;
  return load<u32>(blockOf(table, block) + (home - block * BLOCK_MEMBERS) * MEMBER_SIZE);
}

/** The free slot or the member's own: its address is left in `place`. */
let place: usize = 0;

function seek(table: usize, fingerprint: usize): u32 {
  const first = load<u32>(fingerprint);
  const rest = load<u64>(fingerprint, 4, 4);
  const end = load<u32>(table, TABLE_END);
  let slot = homeOf(table, fingerprint);
  while (slot < end) {
    const block = slot / BLOCK_MEMBERS;
    const start = blockOf(table, block);
    if (!start) return NO_ROOM;
    const blockEnd = min(end, (block + 1) * BLOCK_MEMBERS);
    let at = start + (slot - block * BLOCK_MEMBERS) * MEMBER_SIZE;
    for (; slot < blockEnd; slot++, at += MEMBER_SIZE) {
      const known = load<u64>(at, MEMBER_REST, 4);
      if (!known) {
        place = at;
        return ABSENT;
      }
      if (known == rest && load<u32>(at, MEMBER_FIRST) == first) return PRESENT;
    }
  }
  return NO_ROOM;
}

/** Whether the table has the member with this fingerprint. */
export function has(table: usize, fingerprint: usize): bool {
  return seek(table, fingerprint) == PRESENT;
}

function add(table: usize, fingerprint: usize): bool {
  const found = seek(table, fingerprint);
  if (found == PRESENT) return true;
  if (found == NO_ROOM) return false;
  store<u32>(place, load<u32>(fingerprint), MEMBER_FIRST);
  store<u64>(place, load<u64>(fingerprint, 4, 4), MEMBER_REST, 4);
  store<u32>(table, load<u32>(table, TABLE_COUNT) + 1, TABLE_COUNT);
  return true;
}

/**
 * Adds the ids at [at, end): each its size, then as many bytes, padded to 4. Answers the address of
 * the first that has found no room; `end` = all are in. `scratch` takes a fingerprint.
 */
export function addMembers(table: usize, at: usize, end: usize, scratch: usize): usize {
  while (at < end) {
    const bytes = load<u32>(at);
    storeFingerprint(scratch, at + 4, bytes);
    if (!add(table, scratch)) break;
    at += 4 + ((bytes + 3) & ~3);
  }
  return at;
}

/** Copies the members in slots [slot, end); answers the first one that has found no room. */
export function copyMembers(from: usize, to: usize, slot: u32, end: u32): u32 {
  for (; slot < end; slot++) {
    const block = slot / BLOCK_MEMBERS;
    const at = blockOf(from, block) + (slot - block * BLOCK_MEMBERS) * MEMBER_SIZE;
    if (load<u64>(at, MEMBER_REST, 4) && !add(to, at)) break;
  }
  return slot;
}
