// Why a flag answered as it did, read from the session that has just evaluated it.

import * as L from "../../assembly/layout.ts";
import type { ConditionOutline, FlagOutline, SegmentOutline } from "./explanation-outline.ts";
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

/** Why a flag answered as it did. What is the same for every user is shared and frozen. */
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

const NO_DEPENDENCIES: Record<string, never> = Object.freeze(Object.create(null));

/**
 * Evaluates a flag and explains it.
 *
 * @param before - the flags to evaluate first, if any
 */
export function explain(session: Session, flag: number, before?: Uint32Array): Explanation {
  const { config } = session;
  if (before) session.runPlan(before);
  // Stored nowhere: a flag that reads its own result has not seen any.
  const outcome = session.runAlone(flag);
  const variant = config.variants.get(flag, outcome);
  const outline = config.outline(flag);
  const segmentIndex = outcome === 0 ? -1 : config.outcomeSegment(flag, outcome);
  const segments: SegmentExplanation[] = [];
  for (const segment of outline.segments) {
    const isReached = segmentIndex === -1 || segment.index <= segmentIndex;
    if (!isReached) segments.push(segment.unreached);
    else segments.push(explainSegment(session, segment, segment.index === segmentIndex, variant));
  }
  const { flagKey } = outline;
  const dependencies = dependenciesOf(session, outline);
  return { flagKey, variant, segmentIndex, segments, dependencies, digest: config.digest };
}

function dependenciesOf(
  session: Session,
  { parents }: FlagOutline,
): Record<string, string | undefined> {
  if (parents.length === 0) return NO_DEPENDENCIES;
  const dependencies: Record<string, string | undefined> = Object.create(null);
  for (const { flag, flagKey } of parents)
    dependencies[flagKey] = session.outcomes.variant(flag)?.key;
  return dependencies;
}

function explainSegment(
  session: Session,
  outline: SegmentOutline,
  chosen: boolean,
  variant: EvaluationVariant | undefined,
): SegmentExplanation {
  const { index, name, metadata, groups } = outline;
  const segment: SegmentExplanation = { index, reached: true, matched: true, chosen };
  if (name !== undefined) segment.name = name;
  if (metadata) segment.metadata = metadata;
  if (groups) {
    segment.conditions = [];
    segment.matched = explainGroups(session, groups, segment.conditions);
  }
  if (outline.bucket) segment.bucket = explainBucket(session, outline, segment.matched);
  if (chosen) segment.variantKey = variant?.key;
  return segment;
}

/** Adds the explained groups to `explained`; answers whether one holds. */
function explainGroups(
  session: Session,
  groups: readonly (readonly ConditionOutline[])[],
  explained: ConditionExplanation[][],
): boolean {
  let isMatched: boolean = false;
  for (const group of groups) {
    const conditions: ConditionExplanation[] = [];
    let isReached: boolean = !isMatched;
    for (const condition of group) {
      if (!isReached) {
        conditions.push(condition.unreached);
        continue;
      }
      const { selector, op, values, predicate, slot } = condition;
      const matched = session.decide(predicate);
      const value = session.value(slot);
      conditions.push({ selector, op, values, reached: true, value, matched });
      isReached = matched;
    }
    isMatched ||= isReached;
    explained.push(conditions);
  }
  return isMatched;
}

function explainBucket(
  session: Session,
  { bucket, pointer }: SegmentOutline,
  matched: boolean,
): BucketExplanation {
  const { slot, unreached } = bucket!;
  const hash = matched ? session.bucketHash(pointer, slot) : undefined;
  if (hash === undefined) return unreached;
  const { selector, salt, allocations } = unreached;
  return {
    selector,
    salt,
    allocations,
    value: textOf(session.value(slot)),
    hash,
    allocationSlot: hash % L.ALLOCATION_SLOT_COUNT,
    distributionSlot: Math.floor(hash / L.ALLOCATION_SLOT_COUNT),
  };
}
