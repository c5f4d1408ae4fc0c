// Amplitude's analytics SDK, which batches, uploads and retries. An optional peer dependency.

import type { createInstance, Types } from "@amplitude/analytics-node";
import type { Http } from "../sdk/http.ts";
import type { AnalyticsOptions } from "./config.ts";
import { Transport } from "./transport.ts";

type Sdk = typeof import("@amplitude/analytics-node");
type Client = ReturnType<typeof createInstance>;

/** An event as the analytics SDK takes it. */
export interface AnalyticsEvent {
  event_type: string;
  user_id?: string;
  device_id?: string;
  event_properties: Record<string, unknown>;
  user_properties: { $set: Record<string, unknown>; $unset: Record<string, unknown> };
  insert_id: string;
  groups?: Record<string, string[]>;
  /** Milliseconds since 1970. Default: when the SDK comes to it. */
  time?: number;
}

/** What became of an event; below 200 or from 300 on it is lost. */
export interface Outcome {
  code: number;
  message: string;
}

/** The part of the SDK that uploads: a plugin of its own. */
interface Destination {
  scheduleId?: ReturnType<typeof setTimeout> | null;
  resetSchedule?(): void;
}

/** The SDK's configuration in use. */
interface LiveConfig {
  offline?: unknown;
  transportProvider: { buildResponse?(body: object): object | null };
  requestTimeoutMillis?: number;
}

const PACKAGE = "@amplitude/analytics-node";
const TIMEOUT_MILLIS = 10_000;

/**
 * Imports the analytics SDK.
 *
 * @throws an Error that says what to install
 */
export async function importAnalytics(): Promise<Sdk> {
  try {
    return await import("@amplitude/analytics-node");
  } catch (cause) {
    const message = `tracking needs the package ${PACKAGE}: npm install ${PACKAGE}`;
    throw new Error(message, { cause });
  }
}

/** An instance of the analytics SDK. */
export class Analytics {
  readonly #client: Client;
  #config: LiveConfig | undefined;
  #destination: Destination | undefined;
  #transport: Transport | undefined;
  #flushing: Promise<void> | undefined;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** @throws what the SDK throws at such options; see also {@link importAnalytics} */
  static async open(apiKey: string, options: AnalyticsOptions, http: Http): Promise<Analytics> {
    const { createInstance } = await importAnalytics();
    const analytics = new Analytics(createInstance());
    const isLogging = options.logLevel !== undefined || options.loggerProvider !== undefined;
    const quiet = isLogging ? {} : { logLevel: 0 };
    // Before init has ended the SDK passes events over, see its CLIENT_NOT_INITIALIZED.
    await analytics.#client.init(apiKey, { ...quiet, ...options } as object).promise;
    await analytics.#takeHold(options.transportProvider ? undefined : http);
    return analytics;
  }

  /** Hands over an event. */
  send(event: AnalyticsEvent): Promise<Outcome> {
    return this.#client.logEvent(event as Types.BaseEvent).promise;
  }

  /** Uploads what has been handed over, but for what waits to be tried again. Never rejects. */
  flush(): Promise<void> {
    // Of two flushes at once the SDK may send the same events twice.
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** Leaves no timer and no request behind. What has not been uploaded is lost. */
  end(): void {
    // Offline the SDK sets no timers; a flush then only empties what feeds its uploads.
    if (this.#config) this.#config.offline = true;
    this.#transport?.end();
    this.#destination?.resetSchedule?.();
    void this.#flush();
  }

  async #flush(): Promise<void> {
    try {
      await this.#client.flush().promise;
    } catch {
      // What became of the events is told by their outcomes.
    }
  }

  /** The SDK has no end of its own; as a plugin one sees what has to be ended. */
  async #takeHold(http: Http | undefined): Promise<void> {
    const setup = async (config: LiveConfig, client: { plugin?(name: string): unknown }) => {
      this.#config = config;
      this.#destination = client.plugin?.("amplitude") as Destination | undefined;
      if (this.#destination) clearTimersOf(this.#destination);
      const { transportProvider: theirs, requestTimeoutMillis = TIMEOUT_MILLIS } = config;
      if (!http || !theirs.buildResponse) return;
      const read = (body: object) => theirs.buildResponse!(body);
      this.#transport = new Transport(http, requestTimeoutMillis, read);
      config.transportProvider = this.#transport as object;
    };
    const plugin = { name: "halyard", type: "enrichment", setup };
    await this.#client.add(plugin as never).promise;
  }
}

/** The SDK forgets a timer that it no longer needs, but leaves it running. */
function clearTimersOf(destination: Destination): void {
  const reset = destination.resetSchedule;
  if (!reset) return;
  destination.resetSchedule = () => {
    clearTimeout(destination.scheduleId ?? undefined);
    reset.call(destination);
  };
}
