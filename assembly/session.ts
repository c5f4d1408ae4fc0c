// A session: the memory of one evaluation, placed by the host, reused for the next.

import {
  FLAG_RESULT_SLOTS,
  FLAG_RESULT_SLOT_END,
  IMAGE_FLAG_COUNT,
  IMAGE_PREDICATE_COUNT,
  IMAGE_RESULTS_SLOT,
  IMAGE_SLOTS,
  IMAGE_SLOT_COUNT,
  SESSION_CURSOR,
  SESSION_HEADER_SIZE,
  SESSION_HEAP,
  SESSION_IMAGE,
  SESSION_OUTCOMES,
  SESSION_PLAN,
  SESSION_PLAN_COUNT,
  SESSION_PREDICATES,
  SESSION_SLOTS,
  SESSION_UNDO,
  SESSION_UNDO_COUNT,
  SLOT_PREDICATES,
  SLOT_PREDICATE_END,
  SLOT_SIZE,
  STATE_SIZE,
  STATE_TAG,
  TAG_UNREAD,
  UNDO_COUNT_MAX,
} from "./layout";

function align(size: u32): u32 {
  return (size + 15) & ~15;
}

/** Writes a fresh session for an image at `session`; the answer is where its heap begins. */
export function openSession(session: usize, image: usize): u32 {
  const flags = load<u32>(image, IMAGE_FLAG_COUNT);
  const slots = align(SESSION_HEADER_SIZE);
  const plan = slots + load<u32>(image, IMAGE_SLOT_COUNT) * STATE_SIZE;
  const undo = plan + (flags << 2);
  const outcomes = undo + ((UNDO_COUNT_MAX + 1) << 2);
  const predicates = align(outcomes + (flags << 1));
  const heap = align(predicates + load<u32>(image, IMAGE_PREDICATE_COUNT));
  memory.fill(session, 0, heap);
  store<u32>(session, <u32>image, SESSION_IMAGE);
  store<u32>(session, slots, SESSION_SLOTS);
  store<u32>(session, plan, SESSION_PLAN);
  store<u32>(session, undo, SESSION_UNDO);
  store<u32>(session, outcomes, SESSION_OUTCOMES);
  store<u32>(session, predicates, SESSION_PREDICATES);
  store<u32>(session, heap, SESSION_HEAP);
  return heap;
}

/** The fixed part's size for an image, without writing anything. */
export function sessionSize(image: usize): u32 {
  const flags = load<u32>(image, IMAGE_FLAG_COUNT);
  const slots = align(SESSION_HEADER_SIZE) + load<u32>(image, IMAGE_SLOT_COUNT) * STATE_SIZE;
  const lists = (flags << 2) + ((UNDO_COUNT_MAX + 1) << 2) + (flags << 1);
  return align(align(slots + lists) + load<u32>(image, IMAGE_PREDICATE_COUNT));
}

/** Notes what the next evaluation must forget; past the limit it forgets everything. */
export function undoLater(session: usize, word: u32): void {
  const count = load<u32>(session, SESSION_UNDO_COUNT);
  if (count >= <u32>UNDO_COUNT_MAX) {
    store<u32>(session, UNDO_COUNT_MAX + 1, SESSION_UNDO_COUNT);
    return;
  }
  store<u32>(session + load<u32>(session, SESSION_UNDO) + (count << 2), word);
  store<u32>(session, count + 1, SESSION_UNDO_COUNT);
}

function forgetAll(session: usize, image: usize): void {
  const predicates = session + load<u32>(session, SESSION_PREDICATES);
  memory.fill(predicates, 0, load<u32>(image, IMAGE_PREDICATE_COUNT));
  let state = session + load<u32>(session, SESSION_SLOTS);
  const end = state + load<u32>(image, IMAGE_SLOT_COUNT) * STATE_SIZE;
  for (; state < end; state += STATE_SIZE) store<u32>(state, TAG_UNREAD, STATE_TAG);
}

/** Forgets the last user and the last plan. */
export function begin(session: usize): void {
  const image = <usize>load<u32>(session, SESSION_IMAGE);
  const undone = load<u32>(session, SESSION_UNDO_COUNT);
  if (undone > <u32>UNDO_COUNT_MAX) {
    forgetAll(session, image);
  } else {
    const predicates = session + load<u32>(session, SESSION_PREDICATES);
    const slots = session + load<u32>(session, SESSION_SLOTS);
    let undo = session + load<u32>(session, SESSION_UNDO);
    const end = undo + (undone << 2);
    for (; undo < end; undo += 4) {
      const word = load<u32>(undo);
      if (word & 1) store<u8>(predicates + (word >>> 1), 0);
      else store<u32>(slots + (word >>> 1) * STATE_SIZE, TAG_UNREAD, STATE_TAG);
    }
  }
  store<u32>(session, 0, SESSION_UNDO_COUNT);
  const outcomes = session + load<u32>(session, SESSION_OUTCOMES);
  let plan = session + load<u32>(session, SESSION_PLAN);
  const planEnd = plan + (load<u32>(session, SESSION_PLAN_COUNT) << 2);
  for (; plan < planEnd; plan += 4) store<u16>(outcomes + (load<u32>(plan) << 1), 0);
  store<u32>(session, 0, SESSION_PLAN_COUNT);
  store<u32>(session, 0, SESSION_CURSOR);
}

function unreadSlot(session: usize, image: usize, slot: u32): void {
  const state = session + load<u32>(session, SESSION_SLOTS) + slot * STATE_SIZE;
  if (load<u32>(state, STATE_TAG) == TAG_UNREAD) return;
  store<u32>(state, TAG_UNREAD, STATE_TAG);
  const record = image + load<u32>(image, IMAGE_SLOTS) + slot * SLOT_SIZE;
  const predicates = session + load<u32>(session, SESSION_PREDICATES);
  const first = load<u32>(record, SLOT_PREDICATES);
  memory.fill(predicates + first, 0, load<u32>(record, SLOT_PREDICATE_END) - first);
}

/** A flag's result has just become known: what was read of it before is no longer true. */
export function unreadResult(session: usize, image: usize, flag: usize): void {
  let slot = load<u32>(flag, FLAG_RESULT_SLOTS);
  const end = load<u32>(flag, FLAG_RESULT_SLOT_END);
  for (; slot < end; slot++) unreadSlot(session, image, slot);
  const results = load<u32>(image, IMAGE_RESULTS_SLOT);
  if (results) unreadSlot(session, image, results - 1);
}
