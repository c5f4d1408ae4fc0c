// A session: the memory of one evaluation, placed by the host, reused for the next.

import {
  FORM_WORDS_MAX,
  FLAG_RESULT_SLOTS,
  FLAG_RESULT_SLOT_END,
  IMAGE_COHORT_COUNT,
  IMAGE_FLAG_COUNT,
  IMAGE_PREDICATE_COUNT,
  IMAGE_RESULTS_SLOT,
  IMAGE_SLOTS,
  IMAGE_SLOT_COUNT,
  IMAGE_SWEEP,
  KEPT_WORDS,
  SESSION_FORM,
  SESSION_HEADER_SIZE,
  SESSION_IMAGE,
  SESSION_MEMBERS,
  SESSION_OUTCOMES,
  SESSION_PLAN,
  SESSION_PREDICATES,
  SESSION_QUEUES,
  SESSION_QUEUE_ENDS,
  SESSION_ROOT,
  SESSION_ROW,
  SESSION_ROWS,
  SESSION_SEAT,
  SESSION_SLOTS,
  SLOT_PREDICATES,
  SLOT_PREDICATE_END,
  SLOT_SIZE,
  STATE_SIZE,
  STATE_TAG,
} from "./layout";
import { rowBytes } from "./row";
import { ROOT_IMAGE } from "./store-layout";
import { QUEUED_SIZE, SWEEP_GROUP_COUNT, SWEEP_QUEUE_SIZE, SWEEP_ROW_COUNT } from "./sweep-layout";

function align(size: u32): u32 {
  return (size + 15) & ~15;
}

/** Lays the parts out behind `session` and stores their offsets there; answers the size. */
function layOut(session: usize, image: usize, isStored: bool): u32 {
  const flags = load<u32>(image, IMAGE_FLAG_COUNT);
  const plan = align(SESSION_HEADER_SIZE) + load<u32>(image, IMAGE_SLOT_COUNT) * STATE_SIZE;
  const outcomes = align(plan + (flags << 2));
  const predicates = align(outcomes + (flags << 1));
  const members = align(predicates + (load<u32>(image, IMAGE_PREDICATE_COUNT) << 2));
  const row = align(members + (load<u32>(image, IMAGE_COHORT_COUNT) << 2));
  const sweep: u32 = COMPACT ? 0 : load<u32>(image, IMAGE_SWEEP);
  let queues = row;
  let ends = row;
  let form = row;
  let rows = row;
  let heap = row;
  if (sweep) {
    queues = row + rowBytes(image);
    ends = align(queues + load<u32>(image + sweep, SWEEP_QUEUE_SIZE) * QUEUED_SIZE);
    form = align(ends + (load<u32>(image + sweep, SWEEP_GROUP_COUNT) << 2));
    rows = form + (FORM_WORDS_MAX << 2);
    heap = rows + load<u32>(image + sweep, SWEEP_ROW_COUNT) * (KEPT_WORDS + rowBytes(image));
  }
  if (!isStored) return heap;
  memory.fill(session, 0, heap);
  store<u32>(session, <u32>image, SESSION_IMAGE);
  store<u32>(session, align(SESSION_HEADER_SIZE), SESSION_SLOTS);
  store<u32>(session, plan, SESSION_PLAN);
  store<u32>(session, outcomes, SESSION_OUTCOMES);
  store<u32>(session, predicates, SESSION_PREDICATES);
  if (COMPACT) return heap;
  store<u32>(session, members, SESSION_MEMBERS);
  store<u32>(session, row, SESSION_ROW);
  store<u32>(session, queues, SESSION_QUEUES);
  store<u32>(session, ends, SESSION_QUEUE_ENDS);
  store<u32>(session, form, SESSION_FORM);
  store<u32>(session, rows, SESSION_ROWS);
  return heap;
}

/** Size of the fixed part for an image. */
export function sessionSize(image: usize): u32 {
  return layOut(0, image, false);
}

/** Writes a fresh session at `session`, for the image of a root. */
export function openSession(session: usize, root: usize, seat: usize): void {
  layOut(session, COMPACT ? root : load<u32>(root, ROOT_IMAGE), true);
  store<u32>(session, <u32>root, SESSION_ROOT);
  store<u32>(session, <u32>seat, SESSION_SEAT);
}

function unreadSlot(session: usize, image: usize, slot: u32): void {
  const state = session + load<u32>(session, SESSION_SLOTS) + slot * STATE_SIZE;
  store<u32>(state, 0, STATE_TAG);
  const record = image + load<u32>(image, IMAGE_SLOTS) + slot * SLOT_SIZE;
  const predicates = session + load<u32>(session, SESSION_PREDICATES);
  const first = load<u32>(record, SLOT_PREDICATES);
  const count = load<u32>(record, SLOT_PREDICATE_END) - first;
  memory.fill(predicates + (first << 2), 0, count << 2);
}

/** A flag's result has just become known: what was read of it before is no longer true. */
export function unreadResult(session: usize, image: usize, flag: usize): void {
  let slot = load<u32>(flag, FLAG_RESULT_SLOTS);
  const end = load<u32>(flag, FLAG_RESULT_SLOT_END);
  for (; slot < end; slot++) unreadSlot(session, image, slot);
  const results = load<u32>(image, IMAGE_RESULTS_SLOT);
  if (results) unreadSlot(session, image, results - 1);
}
