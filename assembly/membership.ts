// Which cohorts a session's user, or group, is a member of: looked up at most once each.

import { has, touchHome } from "./cohort";
import { storeFingerprint } from "./fingerprint";
import {
  EPOCH_STEP,
  PREDICATE_COUNT,
  PREDICATE_FALSE,
  PREDICATE_OPERAND,
  PREDICATE_TRUE,
  SESSION_EPOCH,
  SESSION_MEMBERS,
  SESSION_ROOT,
  STATE_FINGERPRINT,
  STATE_IS_HASHED,
  STATE_MEMBER,
  STATE_MEMBER_BYTES,
} from "./layout";
import { ROOT_TABLES } from "./store-layout";

function fingerprintOf(session: usize, state: usize): usize {
  const fingerprint = state + STATE_FINGERPRINT;
  if (!load<u32>(state, STATE_IS_HASHED)) {
    const id = session + load<u32>(state, STATE_MEMBER);
    storeFingerprint(fingerprint, id, load<u32>(state, STATE_MEMBER_BYTES));
    store<u32>(state, 1, STATE_IS_HASHED);
  }
  return fingerprint;
}

function tableOf(session: usize, cohort: u32): usize {
  return load<u32>(load<u32>(session, SESSION_ROOT) + (cohort << 2), ROOT_TABLES);
}

/** Whether the member whose id the state has is in a cohort. */
export function isMember(session: usize, state: usize, cohort: u32): bool {
  const epoch = load<u32>(session, SESSION_EPOCH);
  const memo = session + load<u32>(session, SESSION_MEMBERS) + (cohort << 2);
  const known = load<u32>(memo) - epoch;
  if (known < <u32>EPOCH_STEP) return known == PREDICATE_TRUE;
  const table = tableOf(session, cohort);
  const found = table != 0 && has(table, fingerprintOf(session, state));
  store<u32>(memo, epoch + (found ? PREDICATE_TRUE : PREDICATE_FALSE));
  return found;
}

/** Whether the member is in one of the cohorts that a predicate names. */
export function isInAny(session: usize, image: usize, record: usize, state: usize): bool {
  let at = image + load<u32>(record, PREDICATE_OPERAND);
  const end = at + (load<u32>(record, PREDICATE_COUNT) << 2);
  for (; at < end; at += 4) {
    if (isMember(session, state, load<u32>(at))) return true;
  }
  return false;
}

/** The places of cohorts [start, end) are fetched at once, instead of one after the other. */
export function fetchAll(session: usize, state: usize, start: u32, end: u32): u32 {
  const fingerprint = fingerprintOf(session, state);
  let sum: u32 = 0;
  for (let cohort = start; cohort < end; cohort++) {
    const table = tableOf(session, cohort);
    if (table) sum += touchHome(table, fingerprint);
  }
  return sum;
}
