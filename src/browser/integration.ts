import type { Log } from "../sdk/log.ts";
import type { ResolvedConfig } from "./config.ts";
import type { Client } from "./contract.ts";
import type { Exposure } from "./exposure.ts";
import { ExposureFilter, isSamePerson } from "./exposure-filter.ts";
import type { ExperimentEvent, IntegrationPlugin } from "./plugin.ts";
import { WebStorage } from "./storage.ts";
import { UnsentQueue } from "./unsent-queue.ts";
import type { ExperimentUser } from "./user.ts";

/** The analytics SDK that a client is connected with, if it is. */
export class Integration {
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  readonly #filter: ExposureFilter;
  readonly #queue: UnsentQueue;
  #plugin: IntegrationPlugin | undefined;
  #ready: Promise<void> = Promise.resolve();

  constructor(config: ResolvedConfig, log: Log) {
    const { instanceName, exposureTrackingProvider } = config;
    this.#config = config;
    this.#log = log;
    const session = new WebStorage("sessionStorage");
    this.#filter = new ExposureFilter(session, `EXP_sent_v3_${instanceName}`, isSamePerson);
    // What a provider has got is not lost, if an integration never comes.
    const isKept = () => this.#plugin !== undefined || !exposureTrackingProvider;
    const local = new WebStorage("localStorage");
    this.#queue = new UnsentQueue(local, `EXP_unsent_${instanceName}`, isKept);
  }

  /** Resolves when the SDK knows who the user is, or after it had enough time for it. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  set(plugin: IntegrationPlugin, client: Client): void {
    const last = this.#plugin;
    void this.#settled("teardown", async () => last?.teardown?.());
    this.#plugin = plugin;
    if (plugin.setup) {
      this.#ready = this.#settled("setup", async () => plugin.setup?.(this.#config, client)).then(
        () => this.#connect(plugin),
      );
    } else this.#connect(plugin);
  }

  getUser(): ExperimentUser | undefined {
    return this.#plugin?.getUser();
  }

  track(exposure: Exposure, user: ExperimentUser): void {
    const { metadata } = exposure;
    const isWeb = metadata?.deliveryMethod === "web";
    if (!isWeb && !this.#filter.admit(exposure, user)) return;
    const name = metadata?.exposureEvent || (isWeb ? "$impression" : "$exposure");
    const eventProperties = exposure as unknown as Record<string, unknown>;
    this.#queue.push({ eventType: name as string, eventProperties });
  }

  #connect(plugin: IntegrationPlugin): void {
    if (this.#plugin === plugin) this.#queue.setTracker((event) => this.#offer(plugin, event));
  }

  #offer(plugin: IntegrationPlugin, event: ExperimentEvent): boolean {
    try {
      return plugin.track(event);
    } catch (error) {
      this.#log.warn("integration: an event could not be tracked", error);
      return false;
    }
  }

  async #settled(what: string, action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#log.warn(`integration: ${what} failed`, error);
    }
  }
}
