// Evaluation: the flags of the plan in order; of each, the segments in order.

import { segmentOutcome } from "./bucket";
import {
  CONDITIONS_ALWAYS,
  CONDITIONS_NEVER,
  FLAG_SEGMENTS,
  FLAG_SEGMENT_COUNT,
  FLAG_SIZE,
  IMAGE_FLAGS,
  PREDICATE_FALSE,
  PREDICATE_TRUE,
  REQUEST_SWITCH,
  SEGMENT_CONDITIONS,
  SEGMENT_CONDITION_COUNT,
  SEGMENT_SIZE,
  SESSION_CURSOR,
  SESSION_IMAGE,
  SESSION_OUTCOMES,
  SESSION_PLAN,
  SESSION_PLAN_COUNT,
} from "./layout";
import { decide, request } from "./predicate";
import { enter, leave } from "./seat";
import { unreadResult } from "./session";

/** PREDICATE_TRUE, PREDICATE_FALSE, or a request (negative). */
function matchSegment(session: usize, image: usize, segment: usize): i32 {
  const count = load<u32>(segment, SEGMENT_CONDITION_COUNT);
  if (count >= <u32>CONDITIONS_NEVER) {
    return count == CONDITIONS_ALWAYS ? PREDICATE_TRUE : PREDICATE_FALSE;
  }
  let condition = image + load<u32>(segment, SEGMENT_CONDITIONS);
  const end = condition + (count << 2);
  while (condition < end) {
    let word = load<u32>(condition);
    condition += 4;
    const answer = decide(session, image, word >>> 1);
    if (answer < 0) return answer;
    if (answer == PREDICATE_TRUE) {
      if (word & 1) return PREDICATE_TRUE;
    } else {
      // The AND list has failed: on to the next one.
      while (!(word & 1)) {
        word = load<u32>(condition);
        condition += 4;
      }
    }
  }
  return PREDICATE_FALSE;
}

/** The flag's outcome, 0 = no result, or a request (negative). */
function evaluateFlag(session: usize, image: usize, flag: usize): i32 {
  let segment = image + load<u32>(flag, FLAG_SEGMENTS);
  const end = segment + load<u32>(flag, FLAG_SEGMENT_COUNT) * SEGMENT_SIZE;
  for (; segment < end; segment += SEGMENT_SIZE) {
    const matched = matchSegment(session, image, segment);
    if (matched < 0) return matched;
    if (matched == PREDICATE_FALSE) continue;
    const outcome = segmentOutcome(session, image, segment);
    if (outcome) return outcome;
  }
  return 0;
}

/** One flag's outcome, stored nowhere; or a request (negative) after which to call again. */
export function runFlag(session: usize, index: u32): i32 {
  if (!enter(session)) return request(0, REQUEST_SWITCH);
  const image = <usize>load<u32>(session, SESSION_IMAGE);
  const flag = image + load<u32>(image, IMAGE_FLAGS) + index * FLAG_SIZE;
  const outcome = evaluateFlag(session, image, flag);
  if (outcome >= 0) leave(session);
  return outcome;
}

/**
 * Evaluates the rest of the plan: the outcome of its last flag, or a request (negative) after
 * which to call again.
 */
export function run(session: usize): i32 {
  if (!enter(session)) return request(0, REQUEST_SWITCH);
  const image = <usize>load<u32>(session, SESSION_IMAGE);
  const flags = image + load<u32>(image, IMAGE_FLAGS);
  const outcomes = session + load<u32>(session, SESSION_OUTCOMES);
  const plan = session + load<u32>(session, SESSION_PLAN);
  const count = load<u32>(session, SESSION_PLAN_COUNT);
  let outcome: i32 = 0;
  for (let cursor = load<u32>(session, SESSION_CURSOR); cursor < count; cursor++) {
    const index = load<u32>(plan + (cursor << 2));
    const flag = flags + index * FLAG_SIZE;
    outcome = evaluateFlag(session, image, flag);
    if (outcome < 0) {
      store<u32>(session, cursor, SESSION_CURSOR);
      return outcome;
    }
    store<u16>(outcomes + (index << 1), outcome);
    if (outcome) unreadResult(session, image, flag);
  }
  leave(session);
  return outcome;
}
