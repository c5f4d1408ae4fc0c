// Browser clients, ours and Amplitude's, side by side: what they answer, ask for, track and store.
import { createRequire } from "node:module";
import { type ExperimentConfig, LogLevel, Experiment as ours } from "halyard/browser";
import type { EvaluationFlag } from "halyard/engine";
import { settled, type TestPage } from "./browser-page.ts";

type Amplitude = typeof import("@amplitude/experiment-js-client");
export const theirs = createRequire(import.meta.url)(
  "@amplitude/experiment-js-client",
) as Amplitude;

export const KEY = "client-deployment-key";

/** How a server answers. */
export type ServerAnswer = { status: number; body: string } | Error;

export interface SentRequest {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string | null;
  timeoutMillis?: number;
}

/** A server without a network: answers at once, and notes what it is asked. */
export class TestServer {
  readonly requests: SentRequest[] = [];
  variants: ServerAnswer = { status: 200, body: "{}" };
  flags: ServerAnswer = { status: 200, body: "[]" };

  async request(
    url: string,
    method: string,
    headers: Record<string, string>,
    body: string | null,
    timeoutMillis?: number,
  ): Promise<{ status: number; body: string }> {
    this.requests.push({ url, method, headers, body, timeoutMillis });
    const answer = url.includes("/flags") ? this.flags : this.variants;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

/** What a caller may do with either client, with anything it may hand them. */
// biome-ignore lint/suspicious/noExplicitAny: two types of one shape
export type AnyClient = any;

let count = 0;

/** A client on a server of its own. */
export class Side {
  readonly server = new TestServer();
  readonly exposures: unknown[] = [];
  readonly analytics: unknown[] = [];
  readonly events: unknown[] = [];
  readonly instanceName: string;
  readonly #isOurs: boolean;
  client: AnyClient;

  constructor(isOurs: boolean) {
    this.#isOurs = isOurs;
    this.instanceName = `instance-${count++}`;
  }

  /** Makes the client. */
  open(config: ExperimentConfig = {}, key = KEY, isWithAnalytics = false): AnyClient {
    const { initialize, initializeWithAmplitudeAnalytics } = (
      this.#isOurs ? ours : theirs.Experiment
    ) as AnyClient;
    const make = isWithAnalytics ? initializeWithAmplitudeAnalytics : initialize;
    this.client = make(key, {
      logLevel: LogLevel.Disable,
      instanceName: this.instanceName,
      httpClient: this.server,
      pollOnStart: false,
      retryFetchOnFailure: false,
      exposureTrackingProvider: { track: (it: unknown) => void this.exposures.push(copy(it)) },
      ...config,
    });
    return this.client;
  }

  /** An integration that may refuse events. */
  plugin(user: () => unknown, isTaken: () => boolean): AnyClient {
    const track = (event: unknown) => {
      if (!isTaken()) return false;
      this.events.push(copy(event));
      return true;
    };
    return { type: "integration", getUser: user, track };
  }

  analyticsProvider(): AnyClient {
    const noted = (what: string) => (event: AnyClient) => {
      const { name, key, variant, properties, userProperty } = event;
      this.analytics.push(copy({ what, name, key, variant, properties, userProperty }));
    };
    return {
      track: noted("track"),
      setUserProperty: noted("set"),
      unsetUserProperty: noted("unset"),
    };
  }

  /** Stored texts by key, with the same name for all instances. */
  stored({ localStorage, sessionStorage }: TestPage): Record<string, unknown> {
    const texts = [...(localStorage?.texts ?? []), ...(sessionStorage?.texts ?? [])];
    const own = texts.filter(([key]) => `${key}-`.includes(`${this.instanceName}-`));
    return Object.fromEntries(
      own.map(([key, text]) => [key.replace(this.instanceName, "name"), parsed(text)]),
    );
  }

  store(page: TestPage, suffix: string, text: string): void {
    const namespace = `amp-exp-${this.instanceName}-${KEY.slice(-6)}${suffix}`;
    page.localStorage!.texts.set(namespace, text);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Both clients of a test. */
export const bothSides = () => [new Side(true), new Side(false)] as const;

/** Of what JSON can hold. */
export function copy(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** What a caller gets: a value, or that it throws. */
export async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await call();
    await settled();
    return copy(result);
  } catch (error) {
    await settled();
    return { thrown: (error as { statusCode?: number }).statusCode ?? "error" };
  }
}

/** A request as it is meant: without which library has sent it. */
export function meaningOf({ url, method, headers, body, timeoutMillis }: SentRequest): unknown {
  const { "X-Amp-Exp-User": user, "X-Amp-Exp-Library": library, ...others } = headers;
  const decoded = user && JSON.parse(Buffer.from(user, "base64url").toString());
  if (decoded) delete decoded.library;
  const isNamed = library === undefined || /^[a-z-]+\/\d+\.\d+\.\d+$/.test(library);
  return { url, method, others, body, timeoutMillis, user: decoded, isNamed };
}

/** A flag that gives one variant to whom its conditions hold for, and another to others. */
export function flag(
  key: string,
  metadata: Record<string, unknown>,
  conditions: EvaluationFlag["segments"][0]["conditions"],
  others: string | undefined = "off",
): EvaluationFlag {
  return {
    key,
    metadata,
    variants: {
      on: { key: "on", value: "on", payload: { of: key } },
      off: { key: "off", metadata: { default: true } },
    },
    segments: [
      { conditions, variant: "on", metadata: { segmentName: "first" } },
      { ...(others && { variant: others }) },
    ],
  };
}
