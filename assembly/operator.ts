// Operators: one value, or one list, against one predicate.

import { atomOf, exactAtomOf, names } from "./atom";
import {
  KIND_CONTAINS,
  KIND_IS,
  KIND_NUMBER,
  KIND_SET_ALL,
  KIND_SET_ANY,
  KIND_VERSION,
  OP_GREATER,
  OP_LESS,
  OP_LESS_OR_EQUAL,
  PREDICATE_COUNT,
  PREDICATE_KIND,
  PREDICATE_NUMBER,
  PREDICATE_OP,
  PREDICATE_OPERAND,
  STATE_COUNT,
  STATE_RAW_COUNT,
  STATE_VALUES,
  TEXT_BYTES,
  TEXT_POINTER,
  TEXT_SIZE,
  VALUE_FLAGS,
  VALUE_HAS_VERSION,
  VALUE_LOWER,
  VALUE_LOWER_BYTES,
  VALUE_NUMBER,
  VALUE_REPEATED,
  VALUE_SIZE,
  VALUE_VERSION,
} from "./layout";
import { contains } from "./text";
import { compareVersions } from "./version";

/** Only the host can tell. */
export const ASK_HOST = 2;

function matchNumber(record: usize, value: usize): bool {
  const number = load<f64>(value, VALUE_NUMBER);
  const limit = load<f64>(record, PREDICATE_NUMBER);
  const op = load<u8>(record, PREDICATE_OP);
  if (op == OP_LESS) return number < limit;
  if (op == OP_LESS_OR_EQUAL) return number <= limit;
  return op == OP_GREATER ? number > limit : number >= limit;
}

function matchVersion(session: usize, image: usize, record: usize, value: usize): i32 {
  const limit = load<u32>(record, PREDICATE_OPERAND);
  // Where either side is no version the oracle orders by UTF-16 text, which the host has at hand.
  if (!limit || !(load<u32>(value, VALUE_FLAGS) & VALUE_HAS_VERSION)) return ASK_HOST;
  const order = compareVersions(session, value + VALUE_VERSION, image, image + limit);
  const op = load<u8>(record, PREDICATE_OP);
  if (op == OP_LESS) return order < 0;
  if (op == OP_LESS_OR_EQUAL) return order <= 0;
  return op == OP_GREATER ? order > 0 : order >= 0;
}

function matchContains(session: usize, image: usize, record: usize, value: usize): bool {
  const text = session + load<u32>(value, VALUE_LOWER);
  const bytes = load<u32>(value, VALUE_LOWER_BYTES);
  let needle = image + load<u32>(record, PREDICATE_OPERAND);
  const end = needle + load<u32>(record, PREDICATE_COUNT) * TEXT_SIZE;
  for (; needle < end; needle += TEXT_SIZE) {
    const pointer = image + load<u32>(needle, TEXT_POINTER);
    if (contains(text, bytes, pointer, load<u32>(needle, TEXT_BYTES))) return true;
  }
  return false;
}

/** 0, 1 or ASK_HOST, before negation. */
export function matchValue(
  session: usize,
  image: usize,
  slot: usize,
  record: usize,
  predicate: u32,
  value: usize,
): i32 {
  const kind = load<u8>(record, PREDICATE_KIND);
  if (kind == KIND_IS) return names(image, atomOf(session, image, slot, value), predicate);
  if (kind == KIND_NUMBER) return matchNumber(record, value);
  if (kind == KIND_VERSION) return matchVersion(session, image, record, value);
  if (kind == KIND_CONTAINS) return matchContains(session, image, record, value);
  return ASK_HOST;
}

/** 0 or 1, before negation. */
export function matchSet(
  session: usize,
  image: usize,
  slot: usize,
  record: usize,
  predicate: u32,
  state: usize,
): i32 {
  const kind = load<u8>(record, PREDICATE_KIND);
  const count = load<u32>(state, STATE_COUNT);
  const rawCount = load<u32>(state, STATE_RAW_COUNT);
  if (kind == KIND_SET_ALL && rawCount < load<u32>(record, PREDICATE_OPERAND)) return 0;
  let value = session + load<u32>(state, STATE_VALUES);
  const end = value + count * VALUE_SIZE;
  let hits: u32 = 0;
  for (; value < end; value += VALUE_SIZE) {
    if (kind == KIND_SET_ANY || kind == KIND_SET_ALL) {
      if (!names(image, atomOf(session, image, slot, value), predicate)) continue;
      if (kind == KIND_SET_ANY) return 1;
      if (!(load<u32>(value, VALUE_FLAGS) & VALUE_REPEATED)) hits++;
    } else {
      if (!names(image, exactAtomOf(session, image, slot, value), predicate)) return 0;
      hits++;
    }
  }
  return kind != KIND_SET_ANY && hits == load<u32>(record, PREDICATE_COUNT);
}
