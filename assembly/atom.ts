// Atoms: the texts that a slot's predicates name, found by hash; each lists its predicates.

import {
  ATOM_BYTES,
  ATOM_HASH,
  ATOM_PREDICATES,
  ATOM_PREDICATE_COUNT,
  ATOM_SIZE,
  ATOM_TEXT,
  SLOT_ATOMS,
  SLOT_INDEX,
  SLOT_INDEX_MASK,
  VALUE_ATOM,
  VALUE_EXACT,
  VALUE_EXACT_BYTES,
  VALUE_TEXT,
  VALUE_TEXT_BYTES,
} from "./layout";
import { hash } from "./murmur3";
import { equals } from "./text";

/** Pointer to the atom with these bytes; 0 = the config names no such text for this slot. */
function findAtom(image: usize, slot: usize, text: usize, bytes: u32): usize {
  const index = load<u32>(slot, SLOT_INDEX);
  if (!index) return 0;
  const atoms = image + load<u32>(slot, SLOT_ATOMS);
  const mask = load<u32>(slot, SLOT_INDEX_MASK);
  const textHash = hash(text, bytes);
  let at = textHash & mask;
  let number = load<u32>(image + index + (at << 2));
  while (number) {
    const atom = atoms + (number - 1) * ATOM_SIZE;
    if (
      load<u32>(atom, ATOM_HASH) == textHash &&
      load<u32>(atom, ATOM_BYTES) == bytes &&
      equals(image + load<u32>(atom, ATOM_TEXT), text, bytes)
    ) {
      return atom;
    }
    at = (at + 1) & mask;
    number = load<u32>(image + index + (at << 2));
  }
  return 0;
}

/** The atom of a value's folded text, looked up once. */
export function atomOf(session: usize, image: usize, slot: usize, value: usize): usize {
  const known = load<u32>(value, VALUE_ATOM);
  if (known) return known == 1 ? 0 : image + known;
  const text = session + load<u32>(value, VALUE_TEXT);
  const atom = findAtom(image, slot, text, load<u32>(value, VALUE_TEXT_BYTES));
  store<u32>(value, atom ? <u32>(atom - image) : 1, VALUE_ATOM);
  return atom;
}

/** The atom of a value's text as it stands (`set is` does not fold booleans). */
export function exactAtomOf(session: usize, image: usize, slot: usize, value: usize): usize {
  const text = load<u32>(value, VALUE_EXACT);
  if (text == load<u32>(value, VALUE_TEXT)) return atomOf(session, image, slot, value);
  return findAtom(image, slot, session + text, load<u32>(value, VALUE_EXACT_BYTES));
}

/** Whether the predicate names the atom; binary search. */
export function names(image: usize, atom: usize, predicate: u32): bool {
  if (!atom) return false;
  const list = image + load<u32>(atom, ATOM_PREDICATES);
  let start: u32 = 0;
  let end = load<u32>(atom, ATOM_PREDICATE_COUNT);
  while (start < end) {
    const middle = (start + end) >>> 1;
    const found = load<u32>(list + (middle << 2));
    if (found == predicate) return true;
    if (found < predicate) start = middle + 1;
    else end = middle;
  }
  return false;
}
