// Pages with one client or the other in a real browser, on a service that notes what they ask for.
import { createService, InlineSource, type Service } from "halyard/service";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { bundle } from "./browser-bundle.ts";
import { flag } from "./browser-clients.ts";
import { eventually } from "./eventually.ts";
import { listen } from "./service-server.ts";

export const KEY = "client-deployment-key";
export const LANES = ["theirs", "ours"] as const;
export type Lane = (typeof LANES)[number];

/** Flags whose variants are looked at, so that there are exposures. */
export const SHOWN = ["by-user", "remote-user", "by-page", "remote-browser"];

const PACKAGES = { theirs: "@amplitude/experiment-js-client", ours: "halyard/browser" };

const LOCAL = { evaluationMode: "local" };
const REMOTE = { evaluationMode: "remote", experimentKey: "exp-1" };
const isUser = (id: string) => [
  [{ selector: ["context", "user", "user_id"], op: "is", values: [id] }],
];
const isShop = [[{ selector: ["context", "page", "url"], op: "contains", values: ["/shop"] }]];
const isChrome = [[{ selector: ["context", "user", "browser"], op: "is", values: ["Chrome"] }]];
const hasParameter = [
  [{ selector: ["context", "user", "url_param", "ref"], op: "set contains any", values: ["b"] }],
];

/** What the service evaluates, and the page; for which user the first ones are on. */
export const flagsFor = (id: string) => [
  flag("by-user", LOCAL, isUser(id)),
  flag("remote-user", REMOTE, isUser(id)),
  flag("by-page", LOCAL, isShop),
  flag("by-browser", LOCAL, isChrome),
  flag("by-parameter", LOCAL, hasParameter),
  flag("remote-browser", REMOTE, isChrome),
];

/** A request for flags or variants, as it is meant. */
export interface Asked {
  request: string;
  headers: Record<string, string>;
  user?: Record<string, unknown>;
}

/** An event as analytics sends it. */
export interface UploadedEvent {
  event_type: string;
  user_id?: string;
  device_id?: string;
  event_properties?: Record<string, unknown>;
}

type Fault = (request: Request) => Response | undefined | Promise<Response | undefined>;

/** Serves the pages, their scripts, flags and variants. */
export class PageServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
  readonly asked: Asked[] = [];
  /** What analytics has uploaded. */
  readonly events: UploadedEvent[] = [];
  /** How many requests their senders have given up. */
  abortedCount = 0;
  policy = "";
  /** Answers instead, if it does. */
  fault: Fault = () => undefined;
  readonly #source: InlineSource;
  readonly #scripts: Record<string, string>;

  private constructor(
    running: Awaited<ReturnType<typeof listen>>,
    source: InlineSource,
    scripts: Record<string, string>,
  ) {
    this.url = running.url;
    this.stop = running.stop;
    this.#source = source;
    this.#scripts = scripts;
  }

  static async start(): Promise<PageServer> {
    const source = new InlineSource(flagsFor("u1"));
    const service = createService({ keys: [KEY], source });
    const scripts: Record<string, string> = {};
    for (const lane of LANES) scripts[`/${lane}.js`] = await bundle(entryOf(lane));
    const fetch: Service["fetch"] = (request) => server.#answer(request, service);
    const [start, stop] = [() => service.start(), () => service.stop()];
    const server = new PageServer(await listen({ start, stop, fetch }), source, scripts);
    return server;
  }

  /** Whom the flags are on for. */
  set favoured(id: string) {
    this.#source.update(flagsFor(id));
  }

  reset(): void {
    this.asked.length = 0;
    this.events.length = 0;
    this.abortedCount = 0;
    this.policy = "";
    this.fault = () => undefined;
    this.favoured = "u1";
  }

  countOf(path: string): number {
    return this.asked.filter(({ request }) => request.includes(path)).length;
  }

  async #answer(request: Request, service: Service): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (pathname.startsWith("/sdk/")) {
      // Whether there is a preflight depends on what the browser remembers of earlier ones.
      if (request.method !== "OPTIONS") {
        this.asked.push(askedOf(request, pathname + search));
        request.signal.addEventListener("abort", () => this.abortedCount++);
        const failed = await this.fault(request);
        if (failed) return failed;
      }
      const answer = await service.fetch(request);
      // What the browser remembers of flags would hide that they are asked for.
      answer.headers.set("Cache-Control", "no-store");
      return answer;
    }
    if (pathname === "/2/httpapi") {
      this.events.push(...((await request.json()) as { events: UploadedEvent[] }).events);
      return Response.json({ code: 200 });
    }
    const script = this.#scripts[pathname];
    const headers = {
      "Content-Type": script ? "text/javascript" : "text/html",
      // A frame without an origin is foreign everywhere.
      "Access-Control-Allow-Origin": "*",
      ...(this.policy && { "Content-Security-Policy": this.policy }),
    };
    return new Response(script ?? "<!doctype html><title>page</title>", { headers });
  }
}

function entryOf(lane: Lane): string {
  return `
    export { Experiment } from "${PACKAGES[lane]}";
    export * as amplitude from "@amplitude/analytics-browser";
    export { AnalyticsConnector } from "@amplitude/analytics-connector";
  `;
}

/** A request without which library has sent it: only that, and when it was, may differ. */
function askedOf({ method, headers }: Request, address: string): Asked {
  const others: Record<string, string> = {};
  headers.forEach((text, name) => {
    if (/^(authorization|x-amp-exp-)/.test(name)) others[name] = text;
  });
  const { "x-amp-exp-user": encoded, "x-amp-exp-library": library, ...named } = others;
  if (library) named.library = library.replace(/^[a-z-]+\/\d+\.\d+\.\d+$/, "named");
  const asked = { request: `${method} ${address}`, headers: named };
  if (!encoded) return asked;
  const user = JSON.parse(Buffer.from(encoded, "base64url").toString());
  if (user.first_seen) user.first_seen = Number(user.first_seen) > 1e9 ? "a time" : "no time";
  return { ...asked, user };
}

/** What one client has done and answered in a scenario. */
export interface Visited {
  asked: Asked[];
  exposures: unknown[];
  /** By analytics. */
  uploaded: UploadedEvent[];
  answers: unknown[];
  complaints: string[];
  abortedCount: number;
  /** What they say who has sent them. */
  libraries: Set<string>;
}

interface Opening {
  config?: object;
  /** Which of the functions that make clients. */
  make?: "initialize" | "initializeWithAmplitudeAnalytics";
}

/** A browser's profile with one page, and a client in it. */
export class Visit {
  lane: Lane;
  readonly server: PageServer;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly exposures: unknown[] = [];
  readonly answers: unknown[] = [];
  readonly complaints: string[] = [];

  private constructor(lane: Lane, server: PageServer, page: Page) {
    this.lane = lane;
    this.server = server;
    this.page = page;
    this.context = page.context();
    page.on("pageerror", ({ message }) => this.complaints.push(message));
  }

  static async begin(browser: Browser, lane: Lane, server: PageServer): Promise<Visit> {
    server.reset();
    const context = await browser.newContext();
    return new Visit(lane, server, await context.newPage());
  }

  /** Has pages refuse these of their globals. */
  async block(names: readonly string[]): Promise<void> {
    await this.page.addInitScript(`for (const name of ${JSON.stringify(names)}) {
      const get = () => { throw new DOMException("access is denied", "SecurityError"); };
      Object.defineProperty(window, name, { get });
    }`);
  }

  /** Goes to a page, and makes the client there. */
  async open(path: string, { config = {}, make = "initialize" }: Opening = {}): Promise<void> {
    await this.page.goto(this.server.url + path);
    // Not awaited: Chromium sometimes forgets a promise that an import is behind, once it resolves.
    await this.page.evaluate(`void (async () => {
      const { origin } = new URL(document.baseURI);
      const sdk = await import(origin + "/${this.lane}.js");
      const exposures = [];
      const provider = { track: (exposure) => exposures.push(exposure) };
      const client = sdk.Experiment.${make}("${KEY}", {
        serverUrl: origin, flagsServerUrl: origin, pollOnStart: false, logLevel: 0,
        exposureTrackingProvider: ${make === "initialize" ? "provider" : "undefined"},
        ...${JSON.stringify(config)},
      });
      const look = () => [client.all(), ${JSON.stringify(SHOWN)}.map((key) => client.variant(key)),
        client.variant("no-flag", "inline")];
      const until = async (isSo) => {
        while (!isSo()) await new Promise((done) => setTimeout(done, 5));
      };
      globalThis.lane = { sdk, client, exposures, look, until };
    })()`);
    const made = () => this.page.evaluate("typeof globalThis.lane");
    await expect.poll(made, { interval: 5, timeout: 10_000 }).toBe("object");
  }

  /** Runs statements in the page; what they return is noted as an answer, if it is anything. */
  async run(statements: string): Promise<unknown> {
    const [answer, exposures] = (await this.page.evaluate(`(async () => {
      const { sdk, client, exposures, look, until } = globalThis.lane;
      const answer = await (async () => { ${statements} })();
      return JSON.parse(JSON.stringify([answer ?? null, exposures.splice(0)]));
    })()`)) as [unknown, unknown[]];
    this.exposures.push(...exposures);
    if (answer !== null) this.answers.push(answer);
    return answer;
  }

  /** Until so many requests of a path have come. */
  until(path: string, count: number): Promise<number> {
    return eventually(`${count} requests of ${path}`, () => this.server.countOf(path) >= count);
  }

  async end(): Promise<Visited> {
    const { exposures, answers, complaints } = this;
    const { abortedCount } = this.server;
    const uploaded = [...this.server.events];
    // Flags and variants are asked for at once, and may overtake each other.
    const pathOf = ({ request }: Asked) => request.split("?")[0];
    const asked = this.server.asked.toSorted((one, other) =>
      pathOf(one) < pathOf(other) ? -1 : pathOf(one) > pathOf(other) ? 1 : 0,
    );
    const libraries = new Set<string>();
    for (const { user } of asked) {
      if (!user) continue;
      libraries.add(String(user.library).split("/")[0]);
      delete user.library;
    }
    await this.context.close();
    return { asked, exposures, uploaded, answers, complaints, abortedCount, libraries };
  }
}

/** Has each of the two do the same, and tells what they have done. */
export async function visitBoth(
  browser: Browser,
  server: PageServer,
  scenario: (visit: Visit) => Promise<unknown>,
): Promise<Record<Lane, Visited>> {
  const visited = {} as Record<Lane, Visited>;
  for (const lane of LANES) {
    const visit = await Visit.begin(browser, lane, server);
    await scenario(visit);
    visited[lane] = await visit.end();
    expect(visited[lane].complaints).toEqual([]);
    expect(visited[lane].answers).not.toEqual([]);
  }
  return visited;
}

/** Until it is opened, an answer waits. */
export function newGate() {
  let open = () => {};
  const opened = new Promise<undefined>((done) => {
    open = () => done(undefined);
  });
  return { open, opened };
}
