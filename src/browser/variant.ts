import type { EvaluationVariant } from "../engine/index.ts";

/** A variant as Amplitude's browser SDK gives it. */
export interface Variant {
  key?: string;
  value?: string;
  // biome-ignore lint/suspicious/noExplicitAny: as Amplitude's, so that callers still compile
  payload?: any;
  /** Tells experiments of one flag apart. */
  expKey?: string;
  metadata?: Record<string, unknown>;
}

export type Variants = Record<string, Variant>;

/** A copy of each, but for payload and metadata. */
export function variantsOf(variants: ReadonlyMap<string, Variant>): Variants {
  return Object.fromEntries(Array.from(variants, ([key, variant]) => [key, { ...variant }]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Only what there is: an empty key is none, but 0, false and "" are values. */
function variantWith(
  key: unknown,
  { value, payload }: Record<string, unknown>,
  expKey: unknown,
  metadata: unknown,
): Variant {
  const variant: Record<string, unknown> = {};
  if (key) variant.key = key;
  if (isGiven(value)) variant.value = value;
  if (isGiven(payload)) variant.payload = payload;
  if (expKey) variant.expKey = expKey;
  if (metadata) variant.metadata = metadata;
  return variant;
}

/** A variant that was evaluated, here or by a server. */
export function evaluatedVariant(evaluated: EvaluationVariant): Variant {
  const { key, metadata } = evaluated;
  return variantWith(key, evaluated as Record<string, unknown>, metadata?.experimentKey, metadata);
}

/**
 * A variant as it was stored by any version of Amplitude's SDK, or written by hand: a text, or an
 * object with or without key, `expKey` and metadata. Undefined for anything else.
 */
export function storedVariant(stored: unknown): Variant | undefined {
  if (typeof stored === "string") return { key: stored, value: stored };
  if (!isRecord(stored)) return undefined;
  const { key, value } = stored;
  const metadata = isRecord(stored.metadata) ? stored.metadata : undefined;
  const experimentKey = metadata?.experimentKey || stored.expKey;
  const named = experimentKey ? { ...metadata, experimentKey } : metadata;
  return variantWith(key || value, stored, experimentKey, named);
}

/** A variant as callers may give it. */
export function givenVariant(given: string | Variant | null | undefined): Variant {
  if (typeof given === "string") return { key: given, value: given };
  return given ?? {};
}
