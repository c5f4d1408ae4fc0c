import type { EvaluationVariant } from "../engine/index.ts";

/** A variant as Amplitude's SDKs give it. */
export interface Variant {
  key?: string;
  /** A text: any other value is given as JSON. */
  value?: string;
  payload?: unknown;
  metadata?: Record<string, unknown>;
}

export type Variants = Record<string, Variant>;

/** An evaluated variant as the SDKs give it. The payload and the metadata are shared. */
export function variantOf(evaluated: EvaluationVariant): Variant {
  const { value } = evaluated as { value?: unknown };
  if (typeof value === "string") return evaluated as Variant;
  const text = value === null || value === undefined ? undefined : JSON.stringify(value);
  return { ...evaluated, value: text } as Variant;
}

/** As {@link variantOf}, flag by flag. */
export function variantsOf(evaluated: Readonly<Record<string, EvaluationVariant>>): Variants {
  return Object.fromEntries(
    Object.entries(evaluated).map(([flagKey, variant]) => [flagKey, variantOf(variant)]),
  );
}

/** What the deprecated methods leave out: default variants. */
export function withoutDefaults(variants: Variants): Variants {
  return Object.fromEntries(
    Object.entries(variants).filter(([, variant]) => !variant.metadata?.default),
  );
}
