// A session's seat: what the owner of the store must not free. The protocol is in store-layout.ts.

import {
  IMAGE_COHORT_COUNT,
  SESSION_IMAGE,
  SESSION_ROOT,
  SESSION_SEAT,
  SESSION_STANCE,
  STANCE_HELD,
  STANCE_IN,
  STANCE_OUT,
} from "./layout";
import { HOLD_BUSY, HOLD_IDLE, SEAT_HOLD, STORE, STORE_CURRENT } from "./store-layout";

function setHold(session: usize, stance: u32): void {
  const seat = <usize>load<u32>(session, SESSION_SEAT);
  const hold = load<u32>(session, SESSION_ROOT) | stance;
  if (ASC_FEATURE_THREADS) atomic.store<u32>(seat, hold, SEAT_HOLD);
  else store<u32>(seat, hold, SEAT_HOLD);
}

function isCurrent(session: usize): bool {
  const root = load<u32>(session, SESSION_ROOT);
  if (ASC_FEATURE_THREADS) return atomic.load<u32>(STORE, STORE_CURRENT) == root;
  return load<u32>(STORE, STORE_CURRENT) == root;
}

function hasCohorts(session: usize): bool {
  return load<u32>(<usize>load<u32>(session, SESSION_IMAGE), IMAGE_COHORT_COUNT) != 0;
}

/** Begins an evaluation, unless it has begun; false = the session must go to another root first. */
// @ts-ignore: decorator
@inline
export function enter(session: usize): bool {
  return COMPACT || load<u32>(session, SESSION_STANCE) != STANCE_OUT || begin(session);
}

function begin(session: usize): bool {
  if (hasCohorts(session)) setHold(session, HOLD_BUSY);
  if (!isCurrent(session)) return false;
  store<u32>(session, STANCE_IN, SESSION_STANCE);
  return true;
}

/** Ends an evaluation, unless the host holds on to the root. */
// @ts-ignore: decorator
@inline
export function leave(session: usize): void {
  if (!COMPACT && load<u32>(session, SESSION_STANCE) == STANCE_IN) release(session);
}

/** As {@link enter}, for as many evaluations as follow until {@link release}. */
export function hold(session: usize): bool {
  setHold(session, HOLD_BUSY);
  if (load<u32>(session, SESSION_STANCE) == STANCE_OUT && !isCurrent(session)) return false;
  store<u32>(session, STANCE_HELD, SESSION_STANCE);
  return true;
}

/** The root's tables may be freed. */
export function release(session: usize): void {
  if (hasCohorts(session) || load<u32>(session, SESSION_STANCE) == STANCE_HELD) {
    setHold(session, HOLD_IDLE);
  }
  store<u32>(session, STANCE_OUT, SESSION_STANCE);
}
