import { persistedIdentity } from "./amplitude-identity.ts";
import type { ExperimentConfig } from "./config.ts";
import type { Connector } from "./connector.ts";
import type { Client } from "./contract.ts";
import type { ExperimentEvent, IntegrationPlugin } from "./plugin.ts";
import type { ExperimentUser } from "./user.ts";

/** Connects a client with Amplitude's analytics SDK, which may be loaded earlier or later. */
export class AmplitudeIntegrationPlugin implements IntegrationPlugin {
  readonly type = "integration";
  /** Undefined if there is nothing to wait for. */
  setup: ((config: ExperimentConfig, client: Client) => Promise<void>) | undefined;
  readonly #connector: Connector;
  readonly #timeoutMillis: number;
  #leave = () => {};

  /**
   * @param apiKey - that of analytics tells who the user was last time
   * @param connector - what the two SDKs share
   * @param timeoutMillis - how long fetches wait for analytics to say who the user is
   */
  constructor(apiKey: string, connector: Connector, timeoutMillis: number) {
    this.#connector = connector;
    this.#timeoutMillis = timeoutMillis;
    this.#restore(apiKey);
    if (timeoutMillis > 0) this.setup = (config, client) => this.#setup(config, client);
  }

  getUser(): ExperimentUser {
    const { identityStore, applicationContextProvider } = this.#connector;
    const { userId, deviceId, userProperties } = identityStore.getIdentity();
    return {
      user_id: userId,
      device_id: deviceId,
      user_properties: userProperties as ExperimentUser["user_properties"],
      version: applicationContextProvider.versionName,
    };
  }

  track({ eventType, eventProperties }: ExperimentEvent): boolean {
    const { eventBridge } = this.#connector;
    if (!eventBridge.receiver) return false;
    eventBridge.logEvent({ eventType, eventProperties });
    return true;
  }

  async teardown(): Promise<void> {
    this.#leave();
  }

  #restore(apiKey: string): void {
    const identity = persistedIdentity(apiKey);
    if (!identity) return;
    const editor = this.#connector.identityStore.editIdentity();
    editor.setDeviceId(identity.deviceId);
    if (identity.userId) editor.setUserId(identity.userId);
    editor.commit();
  }

  async #setup(config: ExperimentConfig, client: Client): Promise<void> {
    const { identityStore } = this.#connector;
    if (config.automaticFetchOnAmplitudeIdentityChange) {
      // With `throwOnError` there is nobody who would catch it.
      const listener = () => void client.fetch().catch(() => {});
      identityStore.addIdentityListener(listener);
      this.#leave = () => identityStore.removeIdentityListener(listener);
    }
    const { userId, deviceId } = identityStore.getIdentity();
    if (!userId && !deviceId) await this.#identity();
  }

  #identity(): Promise<void> {
    const { identityStore } = this.#connector;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(timeout);
        identityStore.removeIdentityListener(listener);
        if (error) reject(error);
        else resolve();
      };
      const listener = () => settle();
      const message = `analytics: expected an identity within ${this.#timeoutMillis} ms, got none`;
      const timeout = setTimeout(() => settle(new Error(message)), this.#timeoutMillis);
      identityStore.addIdentityListener(listener);
    });
  }
}
