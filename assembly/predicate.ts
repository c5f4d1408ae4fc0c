// Predicates: decided at most once per evaluation, and only when a condition asks.

import {
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
  PREDICATE_UNDECIDED,
  REQUEST_PREDICATE,
  REQUEST_SLOT,
  SESSION_PREDICATES,
  SESSION_SLOTS,
  SLOT_SIZE,
  STATE_COUNT,
  STATE_SIZE,
  STATE_TAG,
  STATE_VALUE,
  STATE_VALUES,
  TAG_LIST,
  TAG_NULL,
  TAG_OPAQUE,
  TAG_UNREAD,
  VALUE_SIZE,
} from "./layout";
import { ASK_HOST, matchSet, matchValue } from "./operator";
import { undoLater } from "./session";

/** A request to the host, negative so that it cannot be taken for an answer. */
export function request(index: u32, what: u32): i32 {
  return -(<i32>((index << 2) | what));
}

/** The state of a slot; asks the host for it by a negative answer from `requestSlot`. */
export function slotState(session: usize, slot: u32): usize {
  return session + load<u32>(session, SESSION_SLOTS) + slot * STATE_SIZE;
}

export function requestSlot(session: usize, slot: u32): i32 {
  undoLater(session, slot << 1);
  return request(slot, REQUEST_SLOT);
}

export function remember(session: usize, predicate: u32, answer: u32): void {
  store<u8>(session + load<u32>(session, SESSION_PREDICATES) + predicate, answer);
  undoLater(session, (predicate << 1) | 1);
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
  const list = load<u32>(state, STATE_TAG) == TAG_LIST;
  let value = list ? session + load<u32>(state, STATE_VALUES) : state + STATE_VALUE;
  const end = value + (list ? load<u32>(state, STATE_COUNT) : 1) * VALUE_SIZE;
  for (; value < end; value += VALUE_SIZE) {
    const matched = matchValue(session, image, slot, record, predicate, value);
    if (matched == ASK_HOST) return request(predicate, REQUEST_PREDICATE);
    if (matched != negated) return PREDICATE_TRUE;
  }
  return PREDICATE_FALSE;
}

/** PREDICATE_TRUE, PREDICATE_FALSE, or a request (negative). */
export function decide(session: usize, image: usize, predicate: u32): i32 {
  const known = load<u8>(session + load<u32>(session, SESSION_PREDICATES) + predicate);
  if (known != PREDICATE_UNDECIDED) return known;
  const record = image + load<u32>(image, IMAGE_PREDICATES) + predicate * PREDICATE_SIZE;
  const slotIndex = load<u32>(record, PREDICATE_SLOT);
  const state = slotState(session, slotIndex);
  const tag = load<u32>(state, STATE_TAG);
  if (tag == TAG_UNREAD) return requestSlot(session, slotIndex);
  const kind = load<u8>(record, PREDICATE_KIND);
  let answer: i32;
  if (kind == KIND_NEVER || tag == TAG_OPAQUE) {
    answer = PREDICATE_FALSE;
  } else if (tag == TAG_NULL) {
    answer = load<u8>(record, PREDICATE_NULL);
  } else {
    const slot = image + load<u32>(image, IMAGE_SLOTS) + slotIndex * SLOT_SIZE;
    if (kind >= <u8>KIND_SET_ANY && kind <= <u8>KIND_SET_IS) {
      answer = PREDICATE_FALSE;
      if (tag == TAG_LIST) {
        const matched = matchSet(session, image, slot, record, predicate, state);
        if (matched != <i32>load<u8>(record, PREDICATE_NEGATED)) answer = PREDICATE_TRUE;
      }
    } else {
      answer = matchAny(session, image, slot, record, predicate, state);
    }
  }
  if (answer > 0) remember(session, predicate, answer);
  return answer;
}
