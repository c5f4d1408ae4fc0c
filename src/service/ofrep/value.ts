// Which value a variant is for OpenFeature. Rules: docs/ofrep.md.

import type { EvaluationFlag, EvaluationVariant } from "../../engine/index.ts";
import { variantOf } from "../../sdk/variant.ts";

/** The value of a variant; undefined = the default that the calling code has. */
export type ValueRule = (variant: EvaluationVariant) => unknown;

const BOOLEANS: ReadonlyMap<string | undefined, boolean> = new Map([
  ["on", true],
  ["true", true],
  ["off", false],
  ["false", false],
]);

const payloadOf: ValueRule = ({ payload }) => payload ?? undefined;
const booleanOf: ValueRule = (variant) => BOOLEANS.get(nameOf(variant));
const textOf: ValueRule = (variant) => (isOff(variant) ? undefined : nameOf(variant));

/** One rule for all variants of a flag: what asks for it expects one type. */
export function valueRuleOf({ variants }: EvaluationFlag): ValueRule {
  const all = Object.values(variants).filter(Boolean);
  if (all.some((variant) => payloadOf(variant) !== undefined)) return payloadOf;
  if (all.every((variant) => BOOLEANS.has(nameOf(variant)))) return booleanOf;
  return textOf;
}

function nameOf(variant: EvaluationVariant): string | undefined {
  return variantOf(variant).value ?? variant.key;
}

/** The variant of users whom a flag does not concern: it has no value of its own. */
function isOff(variant: EvaluationVariant): boolean {
  const hasValue = (variant.value ?? undefined) !== undefined;
  return variant.key === "off" && !hasValue && Boolean(variant.metadata?.default);
}
