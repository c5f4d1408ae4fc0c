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

/** The outcome of the first range that a hash falls into (0 = it names no variant). */
export function rangeOutcome(image: usize, bucket: usize, hash: u32, otherwise: u32): u32 {
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
  return otherwise;
}

/** Hash of the bucket's salt and a value. */
export function bucketHash(bucket: usize, value: usize, bytes: u32): u32 {
  return hashAfter(
    load<u32>(bucket, BUCKET_SEED),
    load<u32>(bucket, BUCKET_TAIL),
    load<u32>(bucket, BUCKET_SALT_SIZE),
    value,
    bytes,
  );
}

/** The bucket's outcome, `otherwise` if it hits no range; or a request (negative). */
export function bucketOutcome(session: usize, image: usize, bucket: usize, otherwise: u32): i32 {
  const slot = load<u32>(bucket, BUCKET_SLOT);
  const state = slotState(session, slot);
  if (tagOf(session, state) >= <u32>EPOCH_STEP) return request(slot, REQUEST_SLOT);
  const bytes = load<u32>(state, STATE_BUCKET_BYTES);
  if (!bytes) return otherwise;
  const hash = bucketHash(bucket, session + load<u32>(state, STATE_BUCKET), bytes);
  store<u32>(session, hash, SESSION_HASH);
  return rangeOutcome(image, bucket, hash, otherwise);
}

/** The outcome of a matched segment (0 = it names no variant), or a request (negative). */
export function segmentOutcome(session: usize, image: usize, segment: usize): i32 {
  const bucket = load<u32>(segment, SEGMENT_BUCKET);
  const otherwise = load<u32>(segment, SEGMENT_OUTCOME);
  return bucket ? bucketOutcome(session, image, image + bucket, otherwise) : otherwise;
}
