// Why a variant was given, in OpenFeature's words. Rules: docs/ofrep.md.

import type { EvaluationFlag, EvaluationSegment, EvaluationVariant } from "../../engine/index.ts";

type Reason = "DISABLED" | "DEFAULT" | "STATIC" | "SPLIT" | "TARGETING_MATCH" | "UNKNOWN";

/** @param segmentIndex - of the segment that decided; undefined = it is not known */
export type ReasonRule = (variant: EvaluationVariant, segmentIndex: number | undefined) => Reason;

interface SegmentOutline {
  isConditional: boolean;
  /** Keys of the variants among which its bucket chooses; undefined = there is none. */
  split: ReadonlySet<string | undefined> | undefined;
}

export function reasonRuleOf(flag: EvaluationFlag): ReasonRule {
  const segments = flag.segments.map((segment) => outlineOf(flag, segment));
  const isStatic = segments.every(({ isConditional, split }) => !isConditional && !split);
  return ({ key, metadata }, segmentIndex) => {
    if (metadata?.deployed === false) return "DISABLED";
    if (metadata?.default) return "DEFAULT";
    if (isStatic) return "STATIC";
    const segment = segments[segmentIndex ?? -1];
    if (!segment) return "UNKNOWN";
    if (segment.split?.has(key)) return "SPLIT";
    return segment.isConditional ? "TARGETING_MATCH" : "DEFAULT";
  };
}

function outlineOf(
  { variants }: EvaluationFlag,
  { conditions, bucket }: EvaluationSegment,
): SegmentOutline {
  const names = (bucket ? bucket.allocations : [])
    .flatMap(({ distributions }) => distributions)
    .map(({ variant }) => variant);
  return {
    // An alternative without conditions holds for every user.
    isConditional: conditions ? conditions.every((alternative) => alternative.length > 0) : false,
    split: bucket ? new Set(names.map((name) => variants[name]?.key)) : undefined,
  };
}
