// Marking the clauses that fail: for predicates that are false, the bits of their uses.

import {
  ATOM_PREDICATES,
  ATOM_PREDICATE_COUNT,
  IMAGE_SWEEP,
  KIND_NUMBER,
  PREDICATE_FALSE,
  PREDICATE_KIND,
  PREDICATE_TRUE,
  PREDICATE_USES,
  PREDICATE_USE_END,
  SESSION_EPOCH,
  SESSION_PREDICATES,
  SESSION_ROW,
  VALUE_FLAGS,
  VALUE_HAS_VERSION,
} from "./layout";
import { matchValue } from "./operator";
import { decide, predicateAt } from "./predicate";
import { SWEEP_USES, USE_CLAUSE, USE_PREDICATE, USE_SIZE } from "./sweep-layout";

function usesOf(image: usize): usize {
  return image + load<u32>(image + load<u32>(image, IMAGE_SWEEP), SWEEP_USES);
}

/** The predicates [start, end) are false. */
export function failAll(session: usize, image: usize, start: u32, end: u32): void {
  if (start >= end) return;
  const row = session + load<u32>(session, SESSION_ROW);
  const uses = usesOf(image);
  let use = uses + load<u32>(predicateAt(image, start), PREDICATE_USES) * USE_SIZE;
  const last = uses + load<u32>(predicateAt(image, end - 1), PREDICATE_USE_END) * USE_SIZE;
  for (; use < last; use += USE_SIZE) {
    const clause = load<u32>(use, USE_CLAUSE);
    const at = row + ((clause >>> 5) << 2);
    store<u32>(at, load<u32>(at) | (1 << clause));
  }
}

/** Those of the predicates [start, end) are false that have not been noted as true. */
export function failUnnoted(session: usize, image: usize, start: u32, end: u32): void {
  const row = session + load<u32>(session, SESSION_ROW);
  const notes = session + load<u32>(session, SESSION_PREDICATES);
  const noted = load<u32>(session, SESSION_EPOCH) + PREDICATE_TRUE;
  const uses = usesOf(image);
  let use = uses + load<u32>(predicateAt(image, start), PREDICATE_USES) * USE_SIZE;
  const last = uses + load<u32>(predicateAt(image, end - 1), PREDICATE_USE_END) * USE_SIZE;
  // Without a branch: which predicates are true is a matter of chance.
  for (; use < last; use += USE_SIZE) {
    const clause = load<u32>(use, USE_CLAUSE);
    const note = load<u32>(notes + (load<u32>(use, USE_PREDICATE) << 2));
    const at = row + ((clause >>> 5) << 2);
    store<u32>(at, load<u32>(at) | (<u32>(note != noted) << clause));
  }
}

/** Notes those of the predicates [start, end) that name the atom as true; or fails them. */
export function nameAll(
  session: usize,
  image: usize,
  atom: usize,
  start: u32,
  end: u32,
  negated: bool,
): void {
  if (!atom) return;
  const notes = session + load<u32>(session, SESSION_PREDICATES);
  const noted = load<u32>(session, SESSION_EPOCH) + PREDICATE_TRUE;
  let at = image + load<u32>(atom, ATOM_PREDICATES);
  const last = at + (load<u32>(atom, ATOM_PREDICATE_COUNT) << 2);
  for (; at < last; at += 4) {
    const predicate = load<u32>(at);
    if (predicate < start) continue;
    if (predicate >= end) return;
    if (negated) failAll(session, image, predicate, predicate + 1);
    else store<u32>(notes + (predicate << 2), noted);
  }
}

/** Decides the predicates [start, end) one by one; 0, or a request (negative). */
export function failEach(session: usize, image: usize, start: u32, end: u32): i32 {
  for (let predicate = start; predicate < end; predicate++) {
    const record = predicateAt(image, predicate);
    if (load<u32>(record, PREDICATE_USES) == load<u32>(record, PREDICATE_USE_END)) continue;
    const answer = decide(session, image, predicate);
    if (answer < 0) return answer;
    if (answer == PREDICATE_FALSE) failAll(session, image, predicate, predicate + 1);
  }
  return 0;
}

/** The predicates before the first true one are false, those behind it true. */
export function failOrdered(
  session: usize,
  image: usize,
  slot: usize,
  value: usize,
  start: u32,
  end: u32,
): i32 {
  const isNumber = load<u8>(predicateAt(image, start), PREDICATE_KIND) == KIND_NUMBER;
  // Where the value is no version, texts are compared, and by another order.
  if (!isNumber && !(load<u32>(value, VALUE_FLAGS) & VALUE_HAS_VERSION)) {
    return failEach(session, image, start, end);
  }
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = predicateAt(image, middle);
    if (matchValue(session, image, slot, record, middle, value)) high = middle;
    else low = middle + 1;
  }
  failAll(session, image, start, low);
  return 0;
}
