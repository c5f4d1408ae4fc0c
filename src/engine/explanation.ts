// Why a flag answered as it did, read from the session that has just evaluated it.

import * as L from "../../assembly/layout.ts";
import type { EvaluationAllocation, EvaluationVariant } from "./flag.ts";
import type { Session } from "./session.ts";
import { textOf } from "./value.ts";

/** A condition as it was met; `value` and `matched` only if it was reached. */
export interface ConditionExplanation {
  selector: string[];
  op: string;
  values: string[];
  reached: boolean;
  /** The value seen at the selector; undefined = null. */
  value?: unknown;
  matched?: boolean;
}

/** A bucket's numbers; those below `salt` only if the segment matched and there was a value. */
export interface BucketExplanation {
  selector: string[];
  salt: string;
  allocations: EvaluationAllocation[];
  /** The text that was hashed behind `salt + "/"`. */
  value?: string;
  /** MurmurHash3 x86 32, unsigned. */
  hash?: number;
  /** hash % 100, 0..99. */
  allocationSlot?: number;
  /** floor(hash / 100), 0..42949672. */
  distributionSlot?: number;
}

export interface SegmentExplanation {
  index: number;
  /** `metadata.segmentName`. */
  name?: string;
  metadata?: Record<string, unknown>;
  /** False behind the segment that decided. */
  reached: boolean;
  /** Whether its conditions held. */
  matched: boolean;
  /** Whether it decided the flag. */
  chosen: boolean;
  /** Key of the variant it gave; undefined = it named no variant, the next segment was tried. */
  variantKey?: string;
  /** OR of AND lists; undefined = every user matches. */
  conditions?: ConditionExplanation[][];
  bucket?: BucketExplanation;
}

/** Why a flag answered as it did. */
export interface Explanation {
  flagKey: string;
  variant?: EvaluationVariant;
  /** The segment that decided; -1 = none. */
  segmentIndex: number;
  segments: SegmentExplanation[];
  /** Variant keys of the flags it depends on. */
  dependencies: Record<string, string | undefined>;
  /** Of the config that answered. */
  digest: string;
}

/** Evaluates a flag behind the flags of `plan`, and explains it. */
export function explain(session: Session, flag: number, plan: Uint32Array): Explanation {
  const { config } = session;
  session.runPlan(plan);
  // Stored nowhere: a flag that reads its own result has not seen any.
  const outcome = session.runAlone(flag);
  const variant = config.variants.get(flag, outcome);
  const { flagKeys } = config.names;
  const record = config.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
  const segmentIndex = outcome === 0 ? -1 : config.outcomeSegment(flag, outcome);
  const segments: SegmentExplanation[] = [];
  const count = config.u32(record + L.FLAG_SEGMENT_COUNT);
  for (let index = 0; index < count; index++) {
    const isReached = segmentIndex === -1 || index <= segmentIndex;
    segments.push(explainSegment(session, flag, index, isReached));
  }
  if (variant) Object.assign(segments[segmentIndex], { chosen: true, variantKey: variant.key });
  const dependencies: Record<string, string | undefined> = Object.create(null);
  for (const parent of config.parentsOf(flag)) {
    dependencies[flagKeys[parent]] = session.variant(parent)?.key;
  }
  const { digest } = config;
  return { flagKey: flagKeys[flag], variant, segmentIndex, segments, dependencies, digest };
}

function explainSegment(
  session: Session,
  flag: number,
  index: number,
  reached: boolean,
): SegmentExplanation {
  const { config } = session;
  const segment = config.segmentRecord(flag, index);
  const metadata = config.segmentMetadata(segment);
  const name = metadata?.segmentName;
  const { conditions, matched } = explainConditions(session, segment, reached);
  const result: SegmentExplanation = { index, reached, matched, chosen: false };
  if (typeof name === "string") result.name = name;
  if (metadata) result.metadata = metadata;
  if (conditions) result.conditions = conditions;
  const bucket = config.u32(segment + L.SEGMENT_BUCKET);
  if (bucket) result.bucket = explainBucket(session, segment, bucket, matched);
  return result;
}

function explainConditions(
  session: Session,
  segment: number,
  reached: boolean,
): { conditions: ConditionExplanation[][] | undefined; matched: boolean } {
  const { config } = session;
  const count = config.u32(segment + L.SEGMENT_CONDITION_COUNT);
  if (count === L.CONDITIONS_ALWAYS) return { conditions: undefined, matched: reached };
  if (count === L.CONDITIONS_NEVER) return { conditions: [], matched: false };
  const pointer = config.u32(segment + L.SEGMENT_CONDITIONS);
  const groups: ConditionExplanation[][] = [];
  let group: ConditionExplanation[] = [];
  let holds = true;
  let matched = false;
  for (let i = 0; i < count; i++) {
    const word = config.u32(pointer + i * L.U32);
    const isReached = reached && holds && !matched;
    const condition = explainCondition(session, word >>> 1, isReached);
    group.push(condition);
    if (isReached && !condition.matched) holds = false;
    if ((word & 1) === 0) continue;
    matched ||= reached && holds;
    groups.push(group);
    group = [];
    holds = true;
  }
  return { conditions: groups, matched };
}

function explainCondition(
  session: Session,
  predicate: number,
  reached: boolean,
): ConditionExplanation {
  const { config } = session;
  const [selector, op, values] = config.condition(predicate);
  if (!reached) return { selector, op, values, reached };
  const record = config.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
  const matched = session.decide(predicate);
  const value = session.value(config.u32(record + L.PREDICATE_SLOT));
  return { selector, op, values, reached, value, matched };
}

function explainBucket(
  session: Session,
  segment: number,
  bucket: number,
  matched: boolean,
): BucketExplanation {
  const { config } = session;
  const named: BucketExplanation = config.bucket(bucket);
  if (!matched) return named;
  const hash = session.bucketHash(segment, bucket);
  if (hash === undefined) return named;
  return {
    ...named,
    value: textOf(session.value(config.u32(bucket + L.BUCKET_SLOT))),
    hash,
    allocationSlot: hash % L.ALLOCATION_SLOT_COUNT,
    distributionSlot: Math.floor(hash / L.ALLOCATION_SLOT_COUNT),
  };
}
