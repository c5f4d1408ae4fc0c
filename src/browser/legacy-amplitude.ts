// Providers for Amplitude's first analytics SDK for browsers, `amplitude-js`.

import type { ExperimentAnalyticsEvent, ExperimentAnalyticsProvider } from "./legacy-analytics.ts";
import type { ExperimentUser, ExperimentUserProvider } from "./user.ts";

/** What of a client of `amplitude-js` is used. */
interface AmplitudeInstance {
  options?: Partial<
    Record<"deviceId" | "userId" | "versionName" | "language" | "platform", string>
  >;
  _ua?: { browser?: { name?: string; major?: string }; os?: { name?: string } };
  logEvent(name: string, properties: Record<string, string>): void;
  setUserProperties(properties: Record<string, unknown>): void;
  _logEvent(type: string, event: null, api: null, properties: Record<string, unknown>): void;
}

/** @deprecated use `initializeWithAmplitudeAnalytics` */
export class AmplitudeUserProvider implements ExperimentUserProvider {
  readonly #amplitude: AmplitudeInstance;

  constructor(amplitudeInstance: unknown) {
    this.#amplitude = amplitudeInstance as AmplitudeInstance;
  }

  getUser(): ExperimentUser {
    const { options, _ua: agent } = this.#amplitude ?? {};
    const browser = [agent?.browser?.name, agent?.browser?.major];
    return {
      device_id: options?.deviceId,
      user_id: options?.userId,
      version: options?.versionName,
      language: options?.language,
      platform: options?.platform,
      os: browser.filter((part) => part !== undefined && part !== null).join(" "),
      device_model: agent?.os?.name,
    };
  }
}

/** @deprecated use `initializeWithAmplitudeAnalytics` */
export class AmplitudeAnalyticsProvider implements ExperimentAnalyticsProvider {
  readonly #amplitude: AmplitudeInstance;

  constructor(amplitudeInstance: unknown) {
    this.#amplitude = amplitudeInstance as AmplitudeInstance;
  }

  track({ name, properties }: ExperimentAnalyticsEvent): void {
    this.#amplitude.logEvent(name, properties);
  }

  setUserProperty({ userProperty, variant }: ExperimentAnalyticsEvent): void {
    this.#amplitude.setUserProperties({ [userProperty]: variant?.value });
  }

  unsetUserProperty({ userProperty }: ExperimentAnalyticsEvent): void {
    this.#amplitude._logEvent("$identify", null, null, { $unset: { [userProperty]: "-" } });
  }
}
