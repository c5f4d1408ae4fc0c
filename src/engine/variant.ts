// The variant that an evaluation returns.

import type { EvaluationVariant } from "./flag.ts";
import { setOwn } from "./set-own.ts";

/** A variant with merged metadata, its own last; deeply frozen. */
export function variantOf(
  own: EvaluationVariant,
  ofFlag: unknown,
  ofSegment: unknown,
): EvaluationVariant {
  const metadata = merge([ofFlag, ofSegment, own.metadata]);
  return deepFreeze(merge([own, { metadata }]));
}

/**
 * As `{ ...a, ...b }`. V8 gives each object made by such a literal a hidden class of its own,
 * and a property read from many classes takes five times as long.
 */
function merge(sources: readonly unknown[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const source of sources) {
    if (typeof source !== "object" || source === null) continue;
    for (const [key, value] of Object.entries(source)) setOwn(merged, key, value);
  }
  return merged;
}

/** Freezes an object and all that it holds. */
export function deepFreeze<Value extends object>(root: Value): Value {
  const rest: object[] = [root];
  for (let value = rest.pop(); value; value = rest.pop()) {
    if (Object.isFrozen(value)) continue;
    Object.freeze(value);
    for (const member of Object.values(value)) {
      if (typeof member === "object" && member !== null) rest.push(member);
    }
  }
  return root;
}
