// Tracking while there is nobody, or nobody well, to take the events.
import { execFile } from "node:child_process";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Log, type LoggerProvider, LogLevel } from "../src/sdk/log.ts";
import type { ExposureConfig } from "../src/tracking/config.ts";
import { Tracker } from "../src/tracking/tracker.ts";
import { AnalyticsServer, accept } from "./analytics-server.ts";

const RESULTS = { a: { key: "on" }, b: { key: "on" }, off: { metadata: { default: true } } };
const EXPOSED = { tracksExposure: true };

let server: AnalyticsServer;
beforeAll(async () => {
  server = await AnalyticsServer.start();
});
afterAll(() => server.stop());

/** Log lines of a level and above. */
class Lines implements LoggerProvider {
  readonly errors: string[] = [];
  readonly others: string[] = [];
  error = (line: string) => void this.errors.push(line);
  warn = (line: string) => void this.others.push(line);
  info = this.warn;
  debug = this.warn;
  verbose = this.warn;
}

let lines: Lines;
let trackers: Tracker[] = [];

function trackerOf(options: Partial<ExposureConfig> = {}): Tracker {
  lines = new Lines();
  const log = new Log({ loggerProvider: lines, logLevel: LogLevel.Verbose }, ["the key"]);
  const upload = { serverUrl: server.url, flushIntervalMillis: 10, flushMaxRetries: 2 };
  const exposureConfig = { apiKey: "the key", ...upload, ...options };
  const tracker = new Tracker({ exposureConfig }, log);
  trackers.push(tracker);
  return tracker;
}

/** Two events for each user. */
function trackUsers(tracker: Tracker, count: number, prefix = "u"): void {
  for (let i = 0; i < count; i++) tracker.track({ user_id: `${prefix}${i}` }, RESULTS, EXPOSED);
}

afterEach(async () => {
  server.answer = accept;
  await Promise.all(trackers.map((tracker) => tracker.stop(0)));
  trackers = [];
});

const json =
  (code: number, more: object = {}) =>
  (response: ServerResponse) => {
    response.statusCode = code;
    response.end(JSON.stringify({ code, error: "no: the key", ...more }));
  };
const FAULTS: Record<string, (response: ServerResponse) => void> = {
  "500": json(500),
  "503 as a page": (response) => response.writeHead(503).end("<html>down</html>"),
  "400 for the key": json(400, { error: "Invalid API key: the key" }),
  "400 for a field": json(400, { missing_field: "event_type" }),
  "400 for nothing": json(400),
  "413": json(413),
  "429": json(429, { throttled_users: { u1: 1 }, throttled_events: [0] }),
  "404 without a body": (response) => response.writeHead(404).end(),
  "a reset": (response) => response.destroy(),
  "half an answer": (response) => response.writeHead(200, { "Content-Length": 9 }).write("{"),
  silence: () => {},
};

describe("a sink that answers with", () => {
  test.each(Object.keys(FAULTS))("%s loses events, says so once, and ends", async (fault) => {
    server.answer = FAULTS[fault];
    const tracker = trackerOf({ requestTimeoutMillis: 200 });
    trackUsers(tracker, 20);
    await tracker.flush(100);
    trackUsers(tracker, 20, "later");
    await tracker.stop(300);
    expect(tracker.dropped).toBe(80);
    expect(lines.errors).toHaveLength(1);
    expect(lines.errors[0]).toContain("exposureConfig: events are lost; evaluation goes on");
    expect(lines.errors[0]).not.toContain("the key");
    expect(lines.others).toEqual(["[Experiment] exposureConfig: 80 events were lost"]);
  });

  test.each([1, 2])("%d errors, then none, gets them all", async (errors) => {
    let answers = 0;
    server.answer = (response, upload) => {
      if (answers++ < errors) response.destroy();
      else accept(response, upload);
    };
    const apiKey = `retried ${errors}`;
    const tracker = trackerOf({ apiKey, flushMaxRetries: 12 });
    trackUsers(tracker, 5);
    await tracker.flush(20_000);
    const ids = new Set(server.eventsOf(apiKey).map(({ insert_id }) => insert_id));
    expect(ids.size).toBe(10);
    expect(answers).toBeGreaterThan(errors);
    expect([tracker.dropped, lines.errors]).toEqual([0, []]);
  });
});

test("a sink that nobody listens at loses events, and ends", async () => {
  const closed = createServer();
  await new Promise<void>((listening) => closed.listen(0, "127.0.0.1", listening));
  const { port } = closed.address() as AddressInfo;
  await new Promise((end) => closed.close(end));
  for (const serverUrl of [`http://127.0.0.1:${port}/2/httpapi`, "no url", "http://"]) {
    const tracker = trackerOf({ serverUrl });
    trackUsers(tracker, 3);
    await tracker.stop(100);
    expect([tracker.dropped, lines.errors.length]).toEqual([6, 1]);
  }
});

describe("before the SDK is open", () => {
  /** A storage of the SDK that keeps it from opening. */
  function storage() {
    let open!: (events: unknown) => void;
    const events = new Promise((resolve) => (open = resolve));
    const get = () => events;
    const provider = { isEnabled: async () => true, get, set: async () => {} };
    return { provider, open: () => open(undefined) };
  }

  test("events wait; those without room are lost, and tracked at the next evaluation", async () => {
    const { provider, open } = storage();
    const tracker = trackerOf({ apiKey: "waiting", storageProvider: provider });
    await tracker.start();
    trackUsers(tracker, 5003);
    expect(tracker.dropped).toBe(6);
    expect(lines.errors).toHaveLength(1);
    await tracker.flush(20);
    expect(server.eventsOf("waiting")).toEqual([]);
    open();
    await tracker.flush(10_000);
    expect(server.eventsOf("waiting")).toHaveLength(10_000);
    trackUsers(tracker, 5003);
    await tracker.flush(5000);
    expect(server.eventsOf("waiting").slice(10_000)).toHaveLength(6);
    expect([tracker.dropped, lines.errors.length]).toEqual([6, 1]);
  });

  test("a stop is bounded, and loses what waits", async () => {
    const tracker = trackerOf({ storageProvider: storage().provider });
    trackUsers(tracker, 2);
    await Promise.all([tracker.stop(20), tracker.stop(20)]);
    expect(tracker.dropped).toBe(4);
  });

  test("options that it does not take are said once", async () => {
    const get = () => Promise.reject(new Error("no storage"));
    const tracker = trackerOf({ storageProvider: { get } });
    trackUsers(tracker, 2);
    await tracker.flush(5000);
    trackUsers(tracker, 2, "later");
    await tracker.start();
    expect([tracker.dropped, lines.errors.length]).toEqual([8, 1]);
    expect(lines.errors[0]).toContain("no storage");
  });
});

test("after a stop nothing is tracked, after a start it is again, but nothing twice", async () => {
  const tracker = trackerOf({ apiKey: "again" });
  trackUsers(tracker, 1);
  await tracker.stop(5000);
  trackUsers(tracker, 2);
  expect(tracker.dropped).toBe(0);
  await tracker.start();
  trackUsers(tracker, 2);
  await tracker.stop(5000);
  expect(server.eventsOf("again").map(({ user_id }) => user_id)).toEqual(["u0", "u0", "u1", "u1"]);
});

test("the same event twice on its way is no event that never arrives", async () => {
  const held: (() => void)[] = [];
  server.answer = (response, upload) => held.push(() => accept(response, upload));
  const tracker = trackerOf({ apiKey: "twice", cacheCapacity: 1 });
  for (const user of ["x", "y", "x"]) tracker.track({ user_id: user }, RESULTS, EXPOSED);
  await tracker.flush(100);
  for (const user of ["y", "x"]) tracker.track({ user_id: user }, RESULTS, EXPOSED);
  await tracker.flush(50);
  server.answer = accept;
  for (const release of held) release();
  await tracker.flush(10_000);
  await tracker.stop(0);
  expect(tracker.dropped).toBe(0);
});

test("users that cannot be sent are lost alone", async () => {
  const tracker = trackerOf({ apiKey: "odd" });
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const odd = [
    null,
    { user_id: 1n },
    { groups: cyclic },
    { groups: { get: 1n } },
    Object.defineProperty({}, "user_id", { get: () => JSON.parse("{") }),
  ];
  for (const user of odd) tracker.track(user as never, RESULTS, EXPOSED);
  trackUsers(tracker, 1);
  await tracker.flush(5000);
  expect(server.eventsOf("odd")).toHaveLength(2);
  expect([tracker.dropped, lines.errors.length]).toEqual([5, 1]);
});

test("nothing is tracked that is not configured, not asked for, or empty", async () => {
  const log = new Log({}, []);
  const apiKey = "nothing";
  const upload = { serverUrl: server.url, flushIntervalMillis: 10 };
  const none = new Tracker({}, log);
  none.track({ user_id: "u" }, RESULTS, EXPOSED);
  await Promise.all([none.start(), none.flush(1000), none.stop(1000)]);
  const tracker = new Tracker({ exposureConfig: { apiKey, ...upload } }, log);
  tracker.track({ user_id: "u" }, RESULTS);
  tracker.track({ user_id: "u" }, {}, EXPOSED);
  tracker.track({ user_id: "u" }, { off: RESULTS.off }, EXPOSED);
  await tracker.stop(1000);
  expect([none.dropped, tracker.dropped, server.eventsOf(apiKey)]).toEqual([0, 0, []]);
});

describe("a process", () => {
  const dist = new URL("../dist/src/", import.meta.url);

  /** What it prints; it has to end by itself. */
  function run(body: string): Promise<string> {
    const script = `
      import { createRequire, register } from "node:module";
      import { Log } from "${dist}sdk/log.js";
      import { Tracker } from "${dist}tracking/tracker.js";
      const log = new Log({}, []);
      const exposureConfig = { apiKey: "process", serverUrl: ${JSON.stringify(server.url)} };
      const track = (tracker) =>
        tracker.track({ user_id: "u" }, { a: { key: "on" } }, { tracksExposure: true });
      const loaded = () =>
        Object.keys(createRequire(import.meta.url).cache).some((path) => /amplitude/.test(path));
      ${body}`;
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const args = ["--input-type=module", "--eval", script];
    return new Promise((ended, failed) => {
      execFile(process.execPath, args, { cwd, timeout: 8000 }, (error, stdout, stderr) =>
        error ? failed(error) : ended(stdout + stderr),
      );
    });
  }

  const stopped = `
    const tracker = new Tracker({ exposureConfig }, log);
    track(tracker);
    await tracker.stop(500);
    console.log(tracker.dropped);`;

  test("ends when tracking is stopped, with the default intervals", async () => {
    expect(await run(stopped)).toBe("0\n");
    expect(server.eventsOf("process")).toHaveLength(1);
  });

  test("ends when the sink is silent", async () => {
    server.answer = FAULTS.silence;
    expect(await run(stopped)).toMatch(/^1\n.*events are lost.*not sent before the end\n$/);
  });

  test("ends without a stop once all is uploaded", async () => {
    const uploads = server.uploads.length;
    await run(
      "exposureConfig.flushIntervalMillis = 10; track(new Tracker({ exposureConfig }, log))",
    );
    expect(server.uploads).toHaveLength(uploads + 1);
  });

  test("imports the analytics SDK only if tracking is configured", async () => {
    const body = (config: string) => `
      const tracker = new Tracker(${config}, log);
      track(tracker);
      await tracker.start();
      console.log(loaded());
      await tracker.stop(2000)`;
    expect(await run(body("{}"))).toBe("false\n");
    expect(await run(body("{ exposureConfig }"))).toBe("true\n");
  });

  test("without the analytics SDK is told what to install, once, and evaluates", async () => {
    const hook = `export const resolve = (name, context, next) => {
      if (name.startsWith("@amplitude/")) throw new Error("no such package");
      return next(name, context);
    }`;
    const output = await run(`
      register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(hook))});
      const tracker = new Tracker({ exposureConfig }, log);
      track(tracker);
      await tracker.start().catch((error) => console.log("start:", error.message));
      await tracker.flush(1000);
      await tracker.stop(1000);
      console.log("dropped", tracker.dropped)`);
    const install = "npm install @amplitude/analytics-node";
    expect(output.split(install)).toHaveLength(3);
    expect(output).toMatch(/^start: tracking needs the package .*\ndropped 1\n/);
  });
});
