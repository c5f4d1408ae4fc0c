// Predicates: decided at most once per evaluation, and only when a condition asks.

import {
  EPOCH_STEP,
  IMAGE_PREDICATES,
  IMAGE_SLOTS,
  KIND_NEVER,
  KIND_SET_ANY,
  KIND_SET_IS,
  PREDICATE_FALSE,
  PREDICATE_KIND,
  PREDICATE_NEGATED,
  PREDICATE_NULL,
  PREDICATE_SIZE,
  PREDICATE_SLOT,
  PREDICATE_TRUE,
  REQUEST_PREDICATE,
  REQUEST_SLOT,
  SESSION_EPOCH,
  SESSION_PREDICATES,
  SESSION_SLOTS,
  SLOT_SIZE,
  STATE_COUNT,
  STATE_SIZE,
  STATE_TAG,
  STATE_VALUE,
  STATE_VALUES,
  TAG_LIST,
  TAG_MEMBER,
  TAG_NULL,
  TAG_OPAQUE,
  VALUE_SIZE,
} from "./layout";
import { isInAny } from "./membership";
import { ASK_HOST, matchSet, matchValue } from "./operator";

/** A request to the host, negative so that it cannot be taken for an answer. */
export function request(index: u32, what: u32): i32 {
  return -(<i32>((index << 2) | what));
}

export function predicateAt(image: usize, predicate: u32): usize {
  return image + load<u32>(image, IMAGE_PREDICATES) + predicate * PREDICATE_SIZE;
}

export function slotState(session: usize, slot: u32): usize {
  return session + load<u32>(session, SESSION_SLOTS) + slot * STATE_SIZE;
}

/** The slot's tag; EPOCH_STEP or more = unread. */
export function tagOf(session: usize, state: usize): u32 {
  return load<u32>(state, STATE_TAG) - load<u32>(session, SESSION_EPOCH);
}

/** Any value of the slot that matches, the negation taken value by value; or a request. */
function matchAny(
  session: usize,
  image: usize,
  slot: usize,
  record: usize,
  predicate: u32,
  state: usize,
): i32 {
  const negated = <i32>load<u8>(record, PREDICATE_NEGATED);
  const list = tagOf(session, state) == TAG_LIST;
  let value = list ? session + load<u32>(state, STATE_VALUES) : state + STATE_VALUE;
  const end = value + (list ? load<u32>(state, STATE_COUNT) : 1) * VALUE_SIZE;
  for (; value < end; value += VALUE_SIZE) {
    const matched = matchValue(session, image, slot, record, predicate, value);
    if (matched == ASK_HOST) return request(predicate, REQUEST_PREDICATE);
    if (matched != negated) return PREDICATE_TRUE;
  }
  return PREDICATE_FALSE;
}

/** PREDICATE_TRUE, PREDICATE_FALSE, or a request (negative); nothing is remembered. */
function judge(session: usize, image: usize, predicate: u32): i32 {
  const record = predicateAt(image, predicate);
  const slotIndex = load<u32>(record, PREDICATE_SLOT);
  const state = slotState(session, slotIndex);
  const tag = tagOf(session, state);
  if (tag >= <u32>EPOCH_STEP) return request(slotIndex, REQUEST_SLOT);
  const kind = load<u8>(record, PREDICATE_KIND);
  if (kind == KIND_NEVER || tag == TAG_OPAQUE) return PREDICATE_FALSE;
  if (tag == TAG_NULL) return load<u8>(record, PREDICATE_NULL);
  const slot = image + load<u32>(image, IMAGE_SLOTS) + slotIndex * SLOT_SIZE;
  if (kind < <u8>KIND_SET_ANY || kind > <u8>KIND_SET_IS) {
    return matchAny(session, image, slot, record, predicate, state);
  }
  let matched: i32;
  if (!COMPACT && tag == TAG_MEMBER) matched = isInAny(session, image, record, state);
  else if (tag != TAG_LIST) return PREDICATE_FALSE;
  else matched = matchSet(session, image, slot, record, predicate, state);
  return matched != <i32>load<u8>(record, PREDICATE_NEGATED) ? PREDICATE_TRUE : PREDICATE_FALSE;
}

/** PREDICATE_TRUE, PREDICATE_FALSE, or a request (negative). */
export function decide(session: usize, image: usize, predicate: u32): i32 {
  const epoch = load<u32>(session, SESSION_EPOCH);
  const memo = session + load<u32>(session, SESSION_PREDICATES) + (predicate << 2);
  const known = load<u32>(memo) - epoch;
  if (known < <u32>EPOCH_STEP) return known;
  const answer = judge(session, image, predicate);
  if (answer > 0) store<u32>(memo, epoch + answer);
  return answer;
}
