// Buckets: salt + value → hash → allocation slot, distribution slot → outcome.

import {
  ALLOCATION_SLOT_COUNT,
  BUCKET_RANGES,
  BUCKET_RANGE_COUNT,
  BUCKET_SALT_SIZE,
  BUCKET_SEED,
  BUCKET_SLOT,
  BUCKET_TAIL,
  EPOCH_STEP,
  RANGE_ALLOCATION_END,
  RANGE_ALLOCATION_START,
  RANGE_DISTRIBUTION_END,
  RANGE_DISTRIBUTION_START,
  RANGE_OUTCOME,
  RANGE_SIZE,
  REQUEST_SLOT,
  SEGMENT_BUCKET,
  SEGMENT_OUTCOME,
  SESSION_HASH,
  STATE_BUCKET,
  STATE_BUCKET_BYTES,
} from "./layout";
import { hashAfter } from "./murmur3";
import { request, slotState, tagOf } from "./predicate";

/** The outcome of a matched segment (0 = it names no variant), or a request (negative). */
export function bucketOutcome(session: usize, image: usize, segment: usize): i32 {
  const offset = load<u32>(segment, SEGMENT_BUCKET);
  if (!offset) return load<u32>(segment, SEGMENT_OUTCOME);
  const bucket = image + offset;
  const slot = load<u32>(bucket, BUCKET_SLOT);
  const state = slotState(session, slot);
  if (tagOf(session, state) >= <u32>EPOCH_STEP) return request(slot, REQUEST_SLOT);
  const bytes = load<u32>(state, STATE_BUCKET_BYTES);
  if (!bytes) return load<u32>(segment, SEGMENT_OUTCOME);
  const hash = hashAfter(
    load<u32>(bucket, BUCKET_SEED),
    load<u32>(bucket, BUCKET_TAIL),
    load<u32>(bucket, BUCKET_SALT_SIZE),
    session + load<u32>(state, STATE_BUCKET),
    bytes,
  );
  store<u32>(session, hash, SESSION_HASH);
  const distributionSlot = hash / ALLOCATION_SLOT_COUNT;
  const allocationSlot = hash - distributionSlot * ALLOCATION_SLOT_COUNT;
  let range = image + load<u32>(bucket, BUCKET_RANGES);
  const end = range + load<u32>(bucket, BUCKET_RANGE_COUNT) * RANGE_SIZE;
  for (; range < end; range += RANGE_SIZE) {
    if (
      allocationSlot >= load<u32>(range, RANGE_ALLOCATION_START) &&
      allocationSlot < load<u32>(range, RANGE_ALLOCATION_END) &&
      distributionSlot >= load<u32>(range, RANGE_DISTRIBUTION_START) &&
      distributionSlot < load<u32>(range, RANGE_DISTRIBUTION_END)
    ) {
      return load<u32>(range, RANGE_OUTCOME);
    }
  }
  return load<u32>(segment, SEGMENT_OUTCOME);
}
