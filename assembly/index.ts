// The ABI. Only integers cross it; `session` and `image` are absolute addresses.

import { LAYOUT_VERSION, SESSION_IMAGE } from "./layout";
import { segmentOutcome } from "./bucket";
import { isMember } from "./membership";
import { decide, slotState } from "./predicate";

export { addMembers, copyMembers } from "./cohort";
export { isSealed, sealImage } from "./image";
export { hold, release } from "./seat";
export { openSession, sessionSize } from "./session";
export { run, runFlag } from "./evaluate";
export { sweep } from "./sweep";

/** The layout this core was compiled with; the host refuses another. */
export function layoutVersion(): u32 {
  return LAYOUT_VERSION;
}

/** For explaining: PREDICATE_TRUE, PREDICATE_FALSE or a request (negative). */
export function decidePredicate(session: usize, predicate: u32): i32 {
  return decide(session, <usize>load<u32>(session, SESSION_IMAGE), predicate);
}

/** For explaining: the segment's outcome (its hash is left in SESSION_HASH) or a request. */
export function bucketSegment(session: usize, segment: usize): i32 {
  return segmentOutcome(session, <usize>load<u32>(session, SESSION_IMAGE), segment);
}

/** Whether the member that a slot was given is in a cohort of the image; never a request. */
export function isSlotMember(session: usize, slot: u32, cohort: u32): bool {
  return isMember(session, slotState(session, slot), cohort);
}
