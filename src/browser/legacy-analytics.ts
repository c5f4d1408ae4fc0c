// The way to track exposures before there were exposure tracking providers.

import { isFallback, type VariantSource } from "./source.ts";
import type { ExperimentUser } from "./user.ts";
import type { Variant } from "./variant.ts";

/** @deprecated see `ExposureTrackingProvider` */
export interface ExperimentAnalyticsEvent {
  name: string;
  properties: Record<string, string>;
  userProperties?: Record<string, unknown>;
  user: ExperimentUser;
  key: string;
  variant: Variant;
  userProperty: string;
}

/** @deprecated use `ExposureTrackingProvider` */
export interface ExperimentAnalyticsProvider {
  track(event: ExperimentAnalyticsEvent): void;
  setUserProperty?(event: ExperimentAnalyticsEvent): void;
  unsetUserProperty?(event: ExperimentAnalyticsEvent): void;
}

const UNSET = Symbol("unset");

/** Tells a provider of each flag's value once, until it changes. */
export class LegacyAnalytics {
  readonly #provider: ExperimentAnalyticsProvider;
  readonly #told = new Map<string, unknown>();

  constructor(provider: ExperimentAnalyticsProvider) {
    this.#provider = provider;
  }

  track(
    key: string,
    variant: Variant | undefined,
    source: VariantSource | undefined,
    user: ExperimentUser,
  ): void {
    const value = variant?.value;
    const isUnset = isFallback(source) || !value;
    const told = isUnset ? UNSET : value;
    if (this.#told.get(key) === told) return;
    this.#told.set(key, told);
    const userProperty = `[Experiment] ${key}`;
    const event = {
      name: "[Experiment] Exposure",
      user,
      key,
      variant,
      userProperty,
      properties: { key, variant: value, source },
      userProperties: { [userProperty]: value },
    } as ExperimentAnalyticsEvent;
    if (isUnset) {
      this.#provider.unsetUserProperty?.(event);
    } else {
      this.#provider.setUserProperty?.(event);
      this.#provider.track(event);
    }
  }
}
