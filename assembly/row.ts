// Rows of bits that a session keeps: what a text fails in a slot, by its atom.

import { ATOM_SIZE, IMAGE_SWEEP, KEPT_WORDS, SESSION_ROWS, SLOT_ATOMS, SLOT_ROWS } from "./layout";
import { SWEEP_WORDS } from "./sweep-layout";

/** Bytes of a row, a multiple of 16. */
export function rowBytes(image: usize): u32 {
  return ((load<u32>(image + load<u32>(image, IMAGE_SWEEP), SWEEP_WORDS) << 2) + 15) & ~15;
}

/** The kept row of a slot's atom; atom 0 = any other text. */
export function keptRow(session: usize, image: usize, slot: usize, atom: usize): usize {
  const atoms = image + load<u32>(slot, SLOT_ATOMS);
  const number = load<u32>(slot, SLOT_ROWS) - 1 + (atom ? <u32>(atom - atoms) / ATOM_SIZE + 1 : 0);
  return session + load<u32>(session, SESSION_ROWS) + number * (KEPT_WORDS + rowBytes(image));
}

/** Sets the bits in `row` that are set in `other`. */
export function merge(row: usize, other: usize, bytes: u32): void {
  const end = row + bytes;
  if (ASC_FEATURE_SIMD) {
    for (; row < end; row += 16, other += 16) {
      v128.store(row, v128.or(v128.load(row), v128.load(other)));
    }
  }
  for (; row < end; row += 4, other += 4) {
    store<u32>(row, load<u32>(row) | load<u32>(other));
  }
}
