// The browser client in a browser: bundled, with Amplitude's analytics SDK, on real pages.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "./browser-bundle.ts";
import { flag } from "./browser-clients.ts";
import { withChromium } from "./page-browser.ts";

const browser = withChromium();

const ENTRY = `
  export * as experiments from "halyard/browser";
  export * as amplitude from "@amplitude/analytics-browser";
`;
const WORKER = `
  import { Experiment } from "halyard/browser";
  const client = Experiment.initialize("client-key", { pollOnStart: false,
    serverUrl: location.origin, flagsServerUrl: location.origin });
  client.start({ user_id: "u1" }).then(() => postMessage(client.all()));
`;

const LOCAL = { evaluationMode: "local" };
const isU1 = [[{ selector: ["context", "user", "user_id"], op: "is", values: ["u1"] }]];
const isShop = [[{ selector: ["context", "page", "url"], op: "contains", values: ["shop"] }]];
const FLAGS = [flag("by-user", LOCAL, isU1), flag("by-page", LOCAL, isShop)];
const REMOTE = { remote: { key: "on", value: "on" } };

let server: Server;
let origin: string;
let scripts: Record<string, string>;
let requests: { path: string; body: string }[] = [];
let policy = "";

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").split("?")[0];
  requests.push({ path, body: await text(request) });
  const send = (type: string, body: string) => {
    // A frame without an origin is foreign everywhere.
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "*, Authorization");
    if (policy) response.setHeader("Content-Security-Policy", policy);
    response.writeHead(200, { "Content-Type": type }).end(body);
  };
  if (path.endsWith(".js")) return send("text/javascript", scripts[path]);
  if (path === "/sdk/v2/flags") return send("application/json", JSON.stringify(FLAGS));
  if (path === "/sdk/v2/vardata") return send("application/json", JSON.stringify(REMOTE));
  if (path === "/2/httpapi") return send("application/json", '{"code":200}');
  send("text/html", "<!doctype html><title>page</title>");
}

beforeAll(async () => {
  scripts = { "/page.js": await bundle(ENTRY), "/worker.js": await bundle(WORKER) };
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** What is run in the page: it has the two SDKs. */
const SETUP = `
  const { origin } = new URL(document.baseURI);
  const { experiments, amplitude } = await import(origin + "/page.js");
  const config = { serverUrl: origin, flagsServerUrl: origin };
`;

test("evaluates, fetches and stores, and the next page has what was stored", async () => {
  policy = "";
  const page = await browser().newPage();
  await page.goto(`${origin}/shop`);
  const first = await page.evaluate(`(async () => { ${SETUP}
    const client = experiments.Experiment.initialize("client-key", config);
    await client.start({ user_id: "u1" });
    return [client.all(), client.getUserProvider().getUser()];
  })()`);
  expect(first).toMatchObject([
    { "by-user": { key: "on" }, "by-page": { key: "on" }, ...REMOTE },
    { browser: "Chrome", platform: "Web", landing_url: `${origin}/shop` },
  ]);
  await page.goto(`${origin}/other`);
  const second = await page.evaluate(`(async () => { ${SETUP}
    const client = experiments.Experiment.initialize("client-key", config);
    client.setUser({ user_id: "u1" });
    while (!client.all()["by-user"]) await new Promise((done) => setTimeout(done));
    return [client.all(), client.getUserProvider().getUser()];
  })()`);
  expect(second).toMatchObject([
    { "by-user": { key: "on" }, "by-page": { key: "off" }, ...REMOTE },
    { landing_url: `${origin}/shop`, referring_url: "" },
  ]);
  await page.close();
});

test("exposures go to @amplitude/analytics-browser, once per session", async () => {
  policy = "";
  requests = [];
  const page = await browser().newPage();
  for (const visit of [1, 2]) {
    await page.goto(`${origin}/shop?visit=${visit}`);
    await page.evaluate(`(async () => { ${SETUP}
      const client = experiments.Experiment.initializeWithAmplitudeAnalytics("client-key", config);
      const starting = client.start();
      amplitude.init("analytics-key", "u1", { serverUrl: location.origin + "/2/httpapi",
        autocapture: false, fetchRemoteConfig: false, remoteConfig: { fetchRemoteConfig: false } });
      await starting;
      client.variant("by-user");
      client.variant("remote");
      client.variant("remote");
      amplitude.track("visit");
      await amplitude.flush().promise;
      await new Promise((done) => setTimeout(done, 50));
    })()`);
  }
  const uploads = requests.filter(({ path }) => path === "/2/httpapi");
  type Event = { event_type: string; event_properties: { flag_key: string } };
  const events = uploads.flatMap(({ body }) => (JSON.parse(body) as { events: Event[] }).events);
  const exposures = events.filter(({ event_type }) => event_type === "$exposure");
  expect(exposures.map((it) => it.event_properties.flag_key)).toEqual(["by-user", "remote"]);
  expect(exposures[0]).toMatchObject({ user_id: "u1", event_properties: { variant: "on" } });
  expect(events.filter(({ event_type }) => event_type === "visit")).toHaveLength(2);
  await page.close();
});

test("works in a worker", async () => {
  policy = "";
  const page = await browser().newPage();
  await page.goto(`${origin}/shop`);
  const variants = await page.evaluate(`new Promise((done) => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => done(data);
  })`);
  expect(variants).toMatchObject({ "by-user": { key: "on" }, ...REMOTE });
  await page.close();
});

test.each([
  ["in a frame without an origin, where storage is blocked", "sandbox allow-scripts"],
  ["where WebAssembly is allowed", "script-src 'self' 'wasm-unsafe-eval'"],
  ["where WebAssembly is refused: the core runs as JavaScript", "script-src 'self'"],
])("works %s", async (_, allowed) => {
  policy = allowed;
  const page = await browser().newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  await page.goto(`${origin}/shop`);
  const outcome = await page.evaluate(`(async () => { ${SETUP}
    const client = experiments.Experiment.initialize("client-key",
      { ...config, initialVariants: { "by-user": "fallback" } });
    await client.start({ user_id: "u1" });
    let isBlocked = false;
    try { localStorage.length; } catch { isBlocked = true; }
    return { isBlocked, local: client.variant("by-user").key, remote: client.variant("remote") };
  })()`);
  expect(outcome).toMatchObject({
    local: "on",
    remote: REMOTE.remote,
    isBlocked: allowed.startsWith("sandbox"),
  });
  expect(errors).toEqual([]);
  await page.close();
});
