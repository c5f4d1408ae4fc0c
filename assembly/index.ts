// The ABI. Only integers cross it; `session` and `image` are absolute addresses.

import { LAYOUT_VERSION, SESSION_IMAGE } from "./layout";
import { bucketOutcome } from "./bucket";
import { decide, remember } from "./predicate";

export { isSealed, sealImage } from "./image";
export { begin, openSession, sessionSize } from "./session";
export { run } from "./evaluate";

/** The layout this core was compiled with; the host refuses another. */
export function layoutVersion(): u32 {
  return LAYOUT_VERSION;
}

/** The host's answer to a requested predicate: PREDICATE_TRUE or PREDICATE_FALSE. */
export function answer(session: usize, predicate: u32, value: u32): void {
  remember(session, predicate, value);
}

/** For explaining: PREDICATE_TRUE, PREDICATE_FALSE or a request (negative). */
export function decidePredicate(session: usize, predicate: u32): i32 {
  return decide(session, <usize>load<u32>(session, SESSION_IMAGE), predicate);
}

/** For explaining: the segment's outcome (its hash is left in SESSION_HASH) or a request. */
export function bucketSegment(session: usize, segment: usize): i32 {
  return bucketOutcome(session, <usize>load<u32>(session, SESSION_IMAGE), segment);
}
