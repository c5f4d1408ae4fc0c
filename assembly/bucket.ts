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
  RANGE_COUNT_MIN,
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

function isInRange(range: usize, allocationSlot: u32, distributionSlot: u32): bool {
  if (ASC_FEATURE_SIMD) {
    // [start, end, start, end]: at or behind both starts and no end.
    const slots = i32x4.replace_lane(
      i32x4.replace_lane(i32x4.splat(distributionSlot), 0, allocationSlot),
      1,
      allocationSlot,
    );
    return i32x4.bitmask(i32x4.ge_u(slots, v128.load(range, 0, 4))) == 0b0101;
  }
  const inAllocation =
    <u32>(allocationSlot >= load<u32>(range, RANGE_ALLOCATION_START)) &
    <u32>(allocationSlot < load<u32>(range, RANGE_ALLOCATION_END));
  const inDistribution =
    <u32>(distributionSlot >= load<u32>(range, RANGE_DISTRIBUTION_START)) &
    <u32>(distributionSlot < load<u32>(range, RANGE_DISTRIBUTION_END));
  return <bool>(inAllocation & inDistribution);
}

/** The outcome of the first range that a hash falls into (0 = it names no variant). */
export function rangeOutcome(image: usize, bucket: usize, hash: u32, otherwise: u32): u32 {
  const distributionSlot = hash / ALLOCATION_SLOT_COUNT;
  const allocationSlot = hash - distributionSlot * ALLOCATION_SLOT_COUNT;
  let range = image + load<u32>(bucket, BUCKET_RANGES);
  const inFirst = isInRange(range, allocationSlot, distributionSlot);
  const first = load<u32>(range, RANGE_OUTCOME);
  const inSecond = isInRange(range + RANGE_SIZE, allocationSlot, distributionSlot);
  const second = load<u32>(range, RANGE_SIZE + RANGE_OUTCOME);
  const count = load<u32>(bucket, BUCKET_RANGE_COUNT);
  if (count > <u32>RANGE_COUNT_MIN && !(<u32>inFirst | <u32>inSecond)) {
    const end = range + count * RANGE_SIZE;
    for (range += 2 * RANGE_SIZE; range < end; range += RANGE_SIZE) {
      if (isInRange(range, allocationSlot, distributionSlot)) {
        return load<u32>(range, RANGE_OUTCOME);
      }
    }
    return otherwise;
  }
  // Without a branch: where a hash falls is a matter of chance.
  return select<u32>(first, select<u32>(second, otherwise, inSecond), inFirst);
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
