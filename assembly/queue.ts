// The buckets that a sweep has to hash, by group: what their hashes share is made once.

import { bucketHash, bucketOutcome, rangeOutcome } from "./bucket";
import {
  BUCKET_SALT_SIZE,
  BUCKET_SEED,
  BUCKET_TAIL,
  FORM_WORDS_MAX,
  SESSION_FORM,
  SESSION_OUTCOMES,
  SESSION_ROW,
  STATE_BUCKET,
  STATE_BUCKET_BYTES,
} from "./layout";
import { finish4, formWords, hashForm, mixState4, mixWord4 } from "./murmur3";
import { slotState } from "./predicate";
import {
  CLAUSE_BUCKET,
  CLAUSE_OUTCOME,
  CLAUSE_SIZE,
  GROUP_SHIFT,
  GROUP_SLOT,
  QUEUED_CLAUSE,
  QUEUED_FLAG,
  QUEUED_HASH,
  QUEUED_SIZE,
  SWEEP_CLAUSES,
} from "./sweep-layout";

/** The outcome of a flag's later clauses; the ones up to `clause` gave none. */
function laterOutcome(session: usize, image: usize, sweep: usize, clause: usize): u32 {
  const clauses = image + load<u32>(sweep, SWEEP_CLAUSES);
  let bit: u32 = <u32>(clause - clauses) / CLAUSE_SIZE;
  const at = session + load<u32>(session, SESSION_ROW) + ((bit >>> 5) << 2);
  let left = ~load<u32>(at);
  while (true) {
    left &= 0xfffffffe << bit;
    bit = (bit & ~31) + ctz(left);
    clause = clauses + bit * CLAUSE_SIZE;
    const bucket = load<u32>(clause, CLAUSE_BUCKET);
    const otherwise = <u32>load<u16>(clause, CLAUSE_OUTCOME);
    // The last clause of a flag has no bucket.
    if (!bucket) return otherwise;
    const outcome = bucketOutcome(session, image, image + bucket, otherwise);
    if (outcome) return outcome;
  }
}

/** Stores a queued flag's outcome, as its bucket's hash has it; `isHashed` = there is one. */
function settle(session: usize, image: usize, sweep: usize, queued: usize, isHashed: bool): void {
  const clause = <usize>load<u32>(queued, QUEUED_CLAUSE);
  let outcome = <u32>load<u16>(clause, CLAUSE_OUTCOME);
  if (isHashed) {
    const bucket = image + load<u32>(clause, CLAUSE_BUCKET);
    outcome = rangeOutcome(image, bucket, load<u32>(queued, QUEUED_HASH), outcome);
  }
  if (!outcome) outcome = laterOutcome(session, image, sweep, clause);
  const outcomes = session + load<u32>(session, SESSION_OUTCOMES);
  store<u16>(outcomes + (load<u32>(queued, QUEUED_FLAG) << 1), outcome);
}

function queuedBucket(image: usize, queued: usize): usize {
  return image + load<u32>(<usize>load<u32>(queued, QUEUED_CLAUSE), CLAUSE_BUCKET);
}

// @ts-ignore: decorator
@inline
function gather(a: usize, b: usize, c: usize, d: usize): v128 {
  let words = v128.load32_zero(a);
  words = v128.load_lane<u32>(b, words, 1);
  words = v128.load_lane<u32>(c, words, 2);
  return v128.load_lane<u32>(d, words, 3);
}

/** Four hashes at once, as {@link hashForm} makes them: the mixed words are the same for all. */
function hash4(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  form: usize,
  words: u32,
  bytes: u32,
): v128 {
  const seed = BUCKET_SEED;
  const tail = BUCKET_TAIL;
  const size = BUCKET_SALT_SIZE;
  let first = gather(a + tail, b + tail, c + tail, d + tail);
  first = mixWord4(v128.or(first, v128.load32_splat(form)));
  let state = mixState4(gather(a + seed, b + seed, c + seed, d + seed), first);
  const end = form + (words << 2);
  for (form += 4; form < end; form += 4) state = mixState4(state, v128.load32_splat(form));
  const sizes = gather(a + size, b + size, c + size, d + size);
  state = v128.xor(state, v128.load32_splat(end));
  return finish4(v128.xor(state, i32x4.add(sizes, i32x4.splat(bytes))));
}

/** Hashes a queue's buckets. */
function hashAll(
  session: usize,
  image: usize,
  group: usize,
  queued: usize,
  end: usize,
  value: usize,
  bytes: u32,
): void {
  const form = session + load<u32>(session, SESSION_FORM);
  let words: u32 = 0;
  if (bytes < <u32>((FORM_WORDS_MAX - 2) << 2)) {
    words = formWords(form, load<u32>(group, GROUP_SHIFT), value, bytes);
  }
  if (ASC_FEATURE_SIMD && words) {
    for (; queued + 3 * QUEUED_SIZE < end; queued += 4 * QUEUED_SIZE) {
      const a = queuedBucket(image, queued);
      const b = queuedBucket(image, queued + QUEUED_SIZE);
      const c = queuedBucket(image, queued + 2 * QUEUED_SIZE);
      const d = queuedBucket(image, queued + 3 * QUEUED_SIZE);
      const hashes = hash4(a, b, c, d, form, words, bytes);
      v128.store_lane<u32>(queued, hashes, 0, QUEUED_HASH);
      v128.store_lane<u32>(queued, hashes, 1, QUEUED_SIZE + QUEUED_HASH);
      v128.store_lane<u32>(queued, hashes, 2, 2 * QUEUED_SIZE + QUEUED_HASH);
      v128.store_lane<u32>(queued, hashes, 3, 3 * QUEUED_SIZE + QUEUED_HASH);
    }
  }
  for (; queued < end; queued += QUEUED_SIZE) {
    const bucket = queuedBucket(image, queued);
    const hash = words
      ? hashForm(
          load<u32>(bucket, BUCKET_SEED),
          load<u32>(bucket, BUCKET_TAIL),
          load<u32>(bucket, BUCKET_SALT_SIZE) + bytes,
          form,
          words,
        )
      : bucketHash(bucket, value, bytes);
    store<u32>(queued, hash, QUEUED_HASH);
  }
}

/** Settles the flags of one group's queue. */
export function settleQueue(
  session: usize,
  image: usize,
  sweep: usize,
  group: usize,
  queued: usize,
  end: usize,
): void {
  const state = slotState(session, load<u32>(group, GROUP_SLOT));
  const bytes = load<u32>(state, STATE_BUCKET_BYTES);
  const value = session + load<u32>(state, STATE_BUCKET);
  // All hashes first: without branches between them the processor overlaps them.
  if (bytes) hashAll(session, image, group, queued, end, value, bytes);
  for (; queued < end; queued += QUEUED_SIZE) {
    settle(session, image, sweep, queued, bytes != 0);
  }
}
