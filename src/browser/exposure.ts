import { isFallback, type VariantSource } from "./source.ts";
import type { Variant } from "./variant.ts";

/** That a user was exposed to a variant. */
export interface Exposure {
  flag_key: string;
  /** Missing: the user is no longer in the flag; its user property is unset. */
  variant?: string;
  /** Tells experiments of one flag apart. */
  experiment_key?: string;
  metadata?: Record<string, unknown>;
  /** When it was, in milliseconds since 1970. */
  time?: number;
}

/** Takes exposures to an analytics SDK, as events named `$exposure`. */
export interface ExposureTrackingProvider {
  track(exposure: Exposure): void;
}

/** A variant with where it is from. */
export interface SourcedVariant {
  variant?: Variant;
  source?: VariantSource;
  /** Whether it stands for a default variant, such as `off`. */
  hasDefaultVariant?: boolean;
}

/** Whether the flag lets its exposures be tracked. */
export function isTracked({ variant }: SourcedVariant): boolean {
  return Boolean(variant?.metadata?.trackExposure ?? true);
}

/** The exposure to a variant; undefined to a fallback that stands for no default variant. */
export function exposureOf(flagKey: string, sourced: SourcedVariant): Exposure | undefined {
  const { variant, source, hasDefaultVariant } = sourced;
  const isFallen = isFallback(source);
  if (isFallen && !hasDefaultVariant) return undefined;
  const exposure: Exposure = { flag_key: flagKey };
  const { expKey, metadata, key, value } = variant ?? {};
  if (expKey) exposure.experiment_key = expKey;
  if (!isFallen && !metadata?.default && (key || value)) exposure.variant = key || value;
  if (metadata) exposure.metadata = metadata;
  return exposure;
}
