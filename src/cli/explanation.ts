import type { Explanation, SegmentExplanation } from "../engine/index.ts";
import { printable } from "../sdk/printable.ts";

type Condition = NonNullable<SegmentExplanation["conditions"]>[number][number];
type Bucket = NonNullable<SegmentExplanation["bucket"]>;

/** The name a segment was given, or its position. */
function titleOf(segment: SegmentExplanation): string {
  const name = segment.name ?? segment.metadata?.segmentName;
  return `${segment.index + 1}. ${typeof name === "string" ? name : "(no name)"}`;
}

function outcome(segment: SegmentExplanation): string {
  if (!segment.reached) return "not reached";
  if (segment.chosen) return "decides";
  return segment.matched ? "matches, but gives no variant" : "does not match";
}

function conditionLine({ selector, op, values, reached, value, matched }: Condition): string {
  const rule = `${selector.join(".")} ${op} ${JSON.stringify(values)}`;
  if (!reached) return `- ${rule}`;
  const found = value === undefined || value === null ? "absent" : JSON.stringify(value);
  return `${matched ? "✓" : "✗"} ${rule}   value: ${found}`;
}

function bucketLine(bucket: Bucket): string {
  const selector = bucket.selector.join(".");
  if (bucket.value === undefined) return `bucket by ${selector}: absent, so the default`;
  // The slots are what the flag's ranges speak of: 0–99, then 0–42949672.
  const hash = bucket.hash === undefined ? "" : `, hash ${bucket.hash >>> 0}`;
  const first = bucket.allocationSlot === undefined ? "" : `, allocation ${bucket.allocationSlot}`;
  const second =
    bucket.distributionSlot === undefined ? "" : `, distribution ${bucket.distributionSlot}`;
  const key = `${bucket.salt}/${bucket.value}`;
  return `bucket by ${selector}: ${JSON.stringify(key)}${hash}${first}${second}`;
}

function segmentLines(segment: SegmentExplanation): string[] {
  const lines = [`    ${titleOf(segment)}: ${outcome(segment)}`];
  if (!segment.reached) return lines;
  for (const [index, terms] of (segment.conditions ?? []).entries()) {
    if (index > 0) lines.push("       or");
    for (const condition of terms) lines.push(`       ${conditionLine(condition)}`);
  }
  if (segment.matched && segment.bucket) lines.push(`       ${bucketLine(segment.bucket)}`);
  return lines;
}

/** Why a flag came out as it did, one indented line per fact. */
export function explanationText(explanation: Explanation): string {
  const variant = explanation.variant;
  const key = variant === undefined ? "no variant" : (variant.key ?? variant.value ?? "(no key)");
  const lines = [`  ${explanation.flagKey} → ${String(key)}`];
  if (variant?.payload !== undefined) {
    lines.push(`    payload: ${JSON.stringify(variant.payload)}`);
  }
  for (const segment of explanation.segments) lines.push(...segmentLines(segment));
  return lines.map((line) => `${printable(line)}\n`).join("");
}
