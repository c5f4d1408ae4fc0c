// Pages in Chromium, served from this machine's own address: each run is a page of its own.
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Browser, chromium } from "playwright-core";
import { type Bundle, bundle, gzipped } from "./bundle.ts";
import { chromiumBinary } from "./install.ts";
import type { Conformance, EngineName, Lane, Runner } from "./lane.ts";

interface PageOptions {
  /** The core that the page fetches. */
  core?: string;
  /** Whether threads of the page could share memory. */
  isIsolated?: boolean;
  /** Content security policy. */
  policy?: string;
  engine?: EngineName;
}

const PAGE =
  '<!doctype html><meta charset="utf-8"><script type="module" src="/page-entry.js"></script>';
const ISOLATED: [string, string][] = [
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-embedder-policy", "require-corp"],
];
const TIME_LIMIT_MS = 60_000;

class PageServer {
  readonly #project: string;
  readonly #headers: [string, string][];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  /** Who waits for what the page has found. */
  #report: (result: unknown) => void = () => {};

  constructor(project: string, { policy, isIsolated }: PageOptions) {
    this.#project = project;
    this.#headers = isIsolated ? ISOLATED : [];
    if (policy) this.#headers = [["content-security-policy", policy]];
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(() => done()));
  }

  /** What the page that is opened next says. */
  next(): Promise<unknown> {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error("the page said nothing")), TIME_LIMIT_MS);
      this.#report = (result) => {
        clearTimeout(timer);
        done(result);
      };
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://page");
    if (pathname === "/result") {
      this.#report(JSON.parse(await text(request)));
      response.end();
      return;
    }
    for (const [name, value] of this.#headers) response.setHeader(name, value);
    try {
      const [type, body] = this.#file(pathname);
      response.setHeader("content-type", type).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  #file(pathname: string): [string, string | Buffer] {
    if (pathname === "/") return ["text/html", PAGE];
    const name = pathname.slice(1);
    if (name === "samples.json") {
      return ["application/json", readFileSync(join(this.#project, name))];
    }
    if (name.endsWith(".wasm")) {
      const dist = join(this.#project, "node_modules", "halyard", "dist");
      return ["application/wasm", readFileSync(join(dist, name))];
    }
    return ["text/javascript", readFileSync(join(this.#project, "page-entry", name))];
  }
}

/** What goes through the network, without the entry itself. */
function sizeOf(
  project: string,
  { folder, files }: Bundle,
  backend: Lane["backend"],
  core: string | undefined,
): number {
  const js = files.filter((name) => /^core-.*\.js$/.test(name));
  const scripts = files.filter((name) => name !== "page-entry.js" && !js.includes(name));
  const own = scripts.reduce((total, name) => total + gzipped(join(folder, name)), 0);
  if (core) return own + gzipped(join(project, "node_modules", "halyard", "dist", core));
  if (backend === "wasm") return own;
  return own + js.reduce((sum, name) => sum + gzipped(join(folder, name)), 0);
}

async function ask(browser: Browser, server: PageServer, address: string): Promise<unknown> {
  const result = server.next();
  await using context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address);
  const answer = (await result) as { error?: string };
  if (answer.error) throw new Error(answer.error);
  return answer;
}

export function pageLane(name: string, backend: Lane["backend"], options: PageOptions = {}): Lane {
  const open = async (project: string): Promise<Runner | string> => {
    const executablePath = chromiumBinary();
    if (!executablePath) return "expected chromium, chromium-browser or google-chrome in PATH";
    const { core, isIsolated, engine = "halyard/engine" } = options;
    const built = await bundle(project, "page-entry.mjs", { engine });
    const server = new PageServer(project, options);
    const url = await server.listen();
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    const more = `${core ? `&core=${core}` : ""}${isIsolated ? "&shared" : ""}`;
    const task = (what: string) => ask(browser, server, `${url}/?task=${what}${more}`);
    return {
      version: browser.version(),
      size: sizeOf(project, built, backend, core),
      conform: async () => (await task("conform")) as Conformance,
      start: async () => ((await task("start")) as { ms: number }).ms,
      [Symbol.asyncDispose]: async () => {
        await browser.close();
        await server.close();
      },
    };
  };
  return { name, backend, shared: options.isIsolated === true, open };
}
