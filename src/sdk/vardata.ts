// What requests for variants, `/sdk/v2/vardata`, have in common.

import type { EvaluationVariant } from "../engine/index.ts";
import { isRecord } from "./record.ts";

/** Of `X-Amp-Exp-User`: servers and those in between refuse headers that are much longer. */
export const USER_HEADER_BYTES_MAX = 8_000;

/** Whether an answer is variants by flag key. */
export function areVariants(answer: unknown): answer is Record<string, EvaluationVariant> {
  return isRecord(answer) && Object.values(answer).every(isRecord);
}
