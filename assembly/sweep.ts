// The sweep: all flags at once. Every slot marks the clauses that fail by its value in a row of
// bits; the first clause of a flag that is left decides it; buckets are hashed at the end.

import { atomOf } from "./atom";
import {
  EPOCH_STEP,
  IMAGE_COHORTS,
  IMAGE_SLOTS,
  IMAGE_SWEEP,
  KEPT_IS_MADE,
  KEPT_WORDS,
  PREDICATE_NULL,
  PREDICATE_TRUE,
  REQUEST_PREDICATE,
  REQUEST_SLOT,
  REQUEST_SWITCH,
  SESSION_CURSOR,
  SESSION_FETCHED,
  SESSION_IMAGE,
  SESSION_OUTCOMES,
  SESSION_QUEUES,
  SESSION_QUEUE_ENDS,
  SESSION_RESUME,
  SESSION_ROW,
  SLOT_COHORTS,
  SLOT_COHORT_END,
  SLOT_PREDICATES,
  SLOT_PREDICATE_END,
  SLOT_ROWS,
  SLOT_RUNS,
  SLOT_RUN_COUNT,
  SLOT_SIZE,
  STATE_COUNT,
  STATE_VALUE,
  STATE_VALUES,
  TAG_LIST,
  TAG_MEMBER,
  TAG_NULL,
  TAG_TEXT,
  VALUE_SIZE,
} from "./layout";
import { failAll, failEach, failOrdered, failUnnoted, nameAll } from "./mark";
import { fetchAll, isMember } from "./membership";
import { predicateAt, request, slotState, tagOf } from "./predicate";
import { settleQueue } from "./queue";
import { keptRow, merge, rowBytes } from "./row";
import { enter, leave } from "./seat";
import {
  CLAUSE_BUCKET,
  CLAUSE_GROUP,
  CLAUSE_OUTCOME,
  CLAUSE_SIZE,
  GROUP_QUEUE,
  GROUP_SIZE,
  QUEUED_CLAUSE,
  QUEUED_FLAG,
  QUEUED_SIZE,
  RUN_ANY,
  RUN_EACH,
  RUN_END,
  RUN_KIND,
  RUN_NAMED,
  RUN_NOT_ANY,
  RUN_ORDERED,
  RUN_SIZE,
  RUN_START,
  RUN_UNNAMED,
  SWEEP_CLAUSES,
  SWEEP_FLAGS,
  SWEEP_FLAG_COUNT,
  SWEEP_GROUPS,
  SWEEP_GROUP_COUNT,
  SWEEP_SLOTS,
  SWEEP_SLOT_COUNT,
  SWEEP_WORDS,
} from "./sweep-layout";

function sweepText(
  session: usize,
  image: usize,
  slot: usize,
  state: usize,
  run: usize,
  start: u32,
): i32 {
  const kind = load<u32>(run, RUN_KIND);
  const end = load<u32>(run, RUN_END);
  const value = state + STATE_VALUE;
  if (kind == RUN_EACH) return failEach(session, image, start, end);
  if (kind == RUN_ORDERED) return failOrdered(session, image, slot, value, start, end);
  if (kind == RUN_NAMED) {
    nameAll(session, image, atomOf(session, image, slot, value), start, end, false);
    failUnnoted(session, image, start, end);
  } else if (kind == RUN_UNNAMED) {
    nameAll(session, image, atomOf(session, image, slot, value), start, end, true);
  } else {
    // A text is no list.
    failAll(session, image, start, end);
  }
  return 0;
}

function sweepList(
  session: usize,
  image: usize,
  slot: usize,
  state: usize,
  run: usize,
  start: u32,
): i32 {
  const kind = load<u32>(run, RUN_KIND);
  const end = load<u32>(run, RUN_END);
  if (kind != RUN_ANY && kind != RUN_NOT_ANY) return failEach(session, image, start, end);
  let value = session + load<u32>(state, STATE_VALUES);
  const last = value + load<u32>(state, STATE_COUNT) * VALUE_SIZE;
  for (; value < last; value += VALUE_SIZE) {
    const atom = atomOf(session, image, slot, value);
    nameAll(session, image, atom, start, end, kind == RUN_NOT_ANY);
  }
  if (kind == RUN_ANY) failUnnoted(session, image, start, end);
  return 0;
}

/** Each cohort that has the member is as an element of a list. */
function sweepMember(session: usize, image: usize, slot: usize, state: usize): void {
  const start = load<u32>(slot, SLOT_COHORTS);
  const end = load<u32>(slot, SLOT_COHORT_END);
  const runs = image + load<u32>(slot, SLOT_RUNS);
  const last = runs + load<u32>(slot, SLOT_RUN_COUNT) * RUN_SIZE;
  const atoms = image + load<u32>(image, IMAGE_COHORTS);
  store<u32>(session, fetchAll(session, state, start, end), SESSION_FETCHED);
  for (let cohort = start; cohort < end; cohort++) {
    if (!isMember(session, state, cohort)) continue;
    const atom = image + load<u32>(atoms + (cohort << 2));
    for (let run = runs; run < last; run += RUN_SIZE) {
      const negated = load<u32>(run, RUN_KIND) == RUN_NOT_ANY;
      nameAll(session, image, atom, load<u32>(run, RUN_START), load<u32>(run, RUN_END), negated);
    }
  }
  for (let run = runs; run < last; run += RUN_SIZE) {
    const kind = load<u32>(run, RUN_KIND);
    const first = load<u32>(run, RUN_START);
    if (kind == RUN_ANY) failUnnoted(session, image, first, load<u32>(run, RUN_END));
    else if (kind != RUN_NOT_ANY) failAll(session, image, first, load<u32>(run, RUN_END));
  }
}

/** As {@link sweepText} for all runs of a slot that keeps rows: a row is made once. */
function sweepKept(session: usize, image: usize, slot: usize, state: usize, kept: usize): void {
  const row = load<u32>(session, SESSION_ROW);
  const words = kept + KEPT_WORDS;
  if (!load<u32>(kept, KEPT_IS_MADE)) {
    store<u32>(session, <u32>(words - session), SESSION_ROW);
    let run = image + load<u32>(slot, SLOT_RUNS);
    const last = run + load<u32>(slot, SLOT_RUN_COUNT) * RUN_SIZE;
    for (; run < last; run += RUN_SIZE) {
      sweepText(session, image, slot, state, run, load<u32>(run, RUN_START));
    }
    store<u32>(session, row, SESSION_ROW);
    store<u32>(kept, 1, KEPT_IS_MADE);
  }
  merge(session + row, words, rowBytes(image));
}

/** Marks the clauses that fail by one slot, from a predicate on; 0, or a request (negative). */
function sweepSlot(session: usize, image: usize, index: u32, resume: u32): i32 {
  const state = slotState(session, index);
  const tag = tagOf(session, state);
  if (tag >= <u32>EPOCH_STEP) return request(index, REQUEST_SLOT);
  const slot = image + load<u32>(image, IMAGE_SLOTS) + index * SLOT_SIZE;
  const start = load<u32>(slot, SLOT_PREDICATES);
  const end = load<u32>(slot, SLOT_PREDICATE_END);
  if (tag == TAG_NULL) {
    for (let predicate = start; predicate < end; predicate++) {
      if (load<u8>(predicateAt(image, predicate), PREDICATE_NULL) == PREDICATE_TRUE) continue;
      failAll(session, image, predicate, predicate + 1);
    }
    return 0;
  }
  if (tag == TAG_MEMBER) {
    sweepMember(session, image, slot, state);
    return 0;
  }
  if (tag != TAG_TEXT && tag != TAG_LIST) {
    failAll(session, image, start, end);
    return 0;
  }
  if (tag == TAG_TEXT && load<u32>(slot, SLOT_ROWS)) {
    const atom = atomOf(session, image, slot, state + STATE_VALUE);
    sweepKept(session, image, slot, state, keptRow(session, image, slot, atom));
    return 0;
  }
  let run = image + load<u32>(slot, SLOT_RUNS);
  const last = run + load<u32>(slot, SLOT_RUN_COUNT) * RUN_SIZE;
  for (; run < last; run += RUN_SIZE) {
    if (load<u32>(run, RUN_END) <= resume) continue;
    const first = max(load<u32>(run, RUN_START), resume);
    const answer =
      tag == TAG_TEXT
        ? sweepText(session, image, slot, state, run, first)
        : sweepList(session, image, slot, state, run, first);
    if (answer < 0) return answer;
  }
  return 0;
}

/** Stores the outcomes that need no hash, and queues the buckets that do. */
function decideFlags(session: usize, image: usize, sweep: usize): void {
  const row = session + load<u32>(session, SESSION_ROW);
  const outcomes = session + load<u32>(session, SESSION_OUTCOMES);
  const ends = session + load<u32>(session, SESSION_QUEUE_ENDS);
  const clauses = image + load<u32>(sweep, SWEEP_CLAUSES);
  let entry = image + load<u32>(sweep, SWEEP_FLAGS);
  const last = entry + (load<u32>(sweep, SWEEP_FLAG_COUNT) << 3);
  for (; entry < last; entry += 8) {
    const bit = load<u32>(entry);
    const flag = load<u32>(entry, 4);
    const left = ~load<u32>(row + ((bit >>> 5) << 2)) >>> bit;
    const clause = clauses + (bit + ctz(left)) * CLAUSE_SIZE;
    store<u16>(outcomes + (flag << 1), load<u16>(clause, CLAUSE_OUTCOME));
    // Without a branch: a clause without a bucket is overwritten by the next.
    const end = ends + (<u32>load<u16>(clause, CLAUSE_GROUP) << 2);
    const queued = <usize>load<u32>(end);
    store<u32>(queued, <u32>clause, QUEUED_CLAUSE);
    store<u32>(queued, flag, QUEUED_FLAG);
    store<u32>(end, <u32>queued + (load<u32>(clause, CLAUSE_BUCKET) ? QUEUED_SIZE : 0));
  }
}

/** Evaluates all flags that can be swept; 0, or a request (negative) after which to call again. */
export function sweep(session: usize): i32 {
  if (!enter(session)) return request(0, REQUEST_SWITCH);
  const image = <usize>load<u32>(session, SESSION_IMAGE);
  const sweep = image + load<u32>(image, IMAGE_SWEEP);
  let cursor = load<u32>(session, SESSION_CURSOR);
  let resume = load<u32>(session, SESSION_RESUME);
  if (!cursor && !resume) {
    const row = session + load<u32>(session, SESSION_ROW);
    memory.fill(row, 0, load<u32>(sweep, SWEEP_WORDS) << 2);
  }
  const slots = image + load<u32>(sweep, SWEEP_SLOTS);
  const slotCount = load<u32>(sweep, SWEEP_SLOT_COUNT);
  for (; cursor < slotCount; cursor++) {
    const answer = sweepSlot(session, image, load<u32>(slots + (cursor << 2)), resume);
    if (answer < 0) {
      if ((-answer & 3) == REQUEST_PREDICATE) resume = -answer >>> 2;
      store<u32>(session, cursor, SESSION_CURSOR);
      store<u32>(session, resume, SESSION_RESUME);
      return answer;
    }
    resume = 0;
  }
  const groups = image + load<u32>(sweep, SWEEP_GROUPS);
  const groupCount = load<u32>(sweep, SWEEP_GROUP_COUNT);
  const queues = session + load<u32>(session, SESSION_QUEUES);
  const ends = session + load<u32>(session, SESSION_QUEUE_ENDS);
  for (let i: u32 = 0; i < groupCount; i++) {
    const first = queues + load<u32>(groups + i * GROUP_SIZE, GROUP_QUEUE) * QUEUED_SIZE;
    store<u32>(ends + (i << 2), <u32>first);
  }
  decideFlags(session, image, sweep);
  for (let i: u32 = 0; i < groupCount; i++) {
    const group = groups + i * GROUP_SIZE;
    const first = queues + load<u32>(group, GROUP_QUEUE) * QUEUED_SIZE;
    const end = <usize>load<u32>(ends + (i << 2));
    if (first < end) settleQueue(session, image, sweep, group, first, end);
  }
  leave(session);
  return 0;
}
