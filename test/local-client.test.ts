// What a local client promises beyond Amplitude's: starting, stopping, and what theirs lacks.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Engine, Experiment, HttpError, LocalEvaluationClient } from "halyard";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reset, statusOf } from "./evaluation-server.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import {
  cohortFlag,
  eventsOf,
  expectRunning,
  flagFor,
  KEY,
  OFTEN,
  ourClient,
  until,
  variantKeys,
} from "./local-clients.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await FlagServer.listen();
});
afterAll(() => server.close());

const polling = { flagConfigPollingIntervalMillis: OFTEN };
const polls = (lane: FlagLane) => lane.requestsOf("flags").length;

describe("start", () => {
  test("has many callers and one request, and can be called again after a stop", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane);
    const promises = [client.start(), client.start(), client.start()];
    expect(new Set(promises).size).toBe(1);
    await Promise.all(promises);
    await client.start();
    expect(polls(lane)).toBe(1);
    expectRunning(client, true);
    await client.stop();
    expectRunning(client, false);
    expect(variantKeys(client)).toEqual({ a: "on" });
    lane.flags = [flagFor("b")];
    await client.start();
    expect(variantKeys(client)).toEqual({ b: "on" });
    expect(polls(lane)).toBe(2);
  });

  test("evaluates by the bootstrap before", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, { bootstrap: { boot: flagFor("boot") } });
    expect(variantKeys(client)).toEqual({ boot: "on" });
    expect(client.status()).toMatchObject({ source: "bootstrap", flagCount: 1, isStarted: false });
    expect(await client.cache.getAll()).toEqual({ boot: flagFor("boot") });
    await client.start();
    expect(variantKeys(client)).toEqual({ a: "on" });
    expect(client.status()).toMatchObject({ source: "poll", flagCount: 1, isStarted: true });
  });

  test("rejects if the first flags cannot be had, and works later", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.always.flags = statusOf(500);
    const client = ourClient(lane, { bootstrap: { boot: flagFor("boot") } });
    const events = eventsOf(client);
    await expect(client.start()).rejects.toThrow(HttpError);
    expect(polls(lane)).toBe(5);
    expectRunning(client, false);
    expect(client.status().lastError).toMatch(/500/);
    expect(events.map(({ type }) => type)).toEqual(["error"]);
    expect(variantKeys(client)).toEqual({ boot: "on" });
    lane.always.flags = undefined;
    await client.start();
    expect(client.status().lastError).toBeUndefined();
    expect(variantKeys(client)).toEqual({ a: "on" });
  });

  test.each([400, 401, 403])("fails at once for status %d", async (status) => {
    const lane = server.lane();
    lane.always.flags = statusOf(status);
    await expect(ourClient(lane).start()).rejects.toMatchObject({ status, statusCode: status });
    expect(polls(lane)).toBe(1);
  });

  test("passes over failures that do not last", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.once.flags = [reset, statusOf(503), statusOf(429, { "Retry-After": "0" })];
    await ourClient(lane).start();
    expect(polls(lane)).toBe(4);
  });

  test("does not wait for a server that asks for more patience", async () => {
    const lane = server.lane();
    lane.always.flags = statusOf(429, { "Retry-After": "3600" });
    await expect(ourClient(lane).start()).rejects.toMatchObject({ status: 429 });
    expect(polls(lane)).toBe(1);
  });

  test("takes what is no flags for a failure, and keeps those that are there", async () => {
    const served = [[1, 2, 3], {}, [{ key: "a" }], null, "text"];
    const clients = served.map((flags) =>
      ourClient(server.lane(flags), { bootstrap: { boot: flagFor("boot") } }),
    );
    await Promise.all(
      clients.map(async (client) => {
        await expect(client.start()).rejects.toThrow(SyntaxError);
        expect(variantKeys(client)).toEqual({ boot: "on" });
      }),
    );
  });

  test("does not wait for a silent server if there is a snapshot", async () => {
    const snapshotPath = mkdtempSync(join(tmpdir(), "halyard-"));
    try {
      const before = ourClient(server.lane([flagFor("a")]), { snapshotPath });
      await before.start();
      await before.stop();
      const lane = server.lane();
      lane.always.flags = () => {};
      const config = { snapshotPath, flagConfigPollerRequestTimeoutMillis: 40 };
      const client = ourClient(lane, { ...config, bootstrap: { boot: flagFor("boot") } });
      const events = eventsOf(client);
      await client.start();
      expect(variantKeys(client)).toEqual({ a: "on" });
      expect(client.status()).toMatchObject({ source: "snapshot", isStarted: true });
      const update = { changed: ["a", "boot"], source: "snapshot" };
      expect(events).toMatchObject([{ type: "update", detail: update }]);
      lane.flags = [flagFor("b")];
      lane.always.flags = undefined;
      await until(() => "b" in variantKeys(client));
      expect(client.status()).toMatchObject({ source: "poll", isStale: false });
    } finally {
      rmSync(snapshotPath, { recursive: true });
    }
  });

  test("takes an empty list for flags", async () => {
    const client = ourClient(server.lane([]), { bootstrap: { boot: flagFor("boot") } });
    await client.start();
    expect(variantKeys(client)).toEqual({});
    expect(client.status()).toMatchObject({ flagCount: 0, source: "poll" });
  });

  test("is rejected by a stop that comes before", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.once.flags = [() => {}];
    const client = ourClient(lane);
    const started = client.start();
    const again = until(() => polls(lane) === 1).then(async () => {
      void client.stop();
      await client.start();
    });
    await expect(started).rejects.toMatchObject({ name: "AbortError" });
    await again;
    expect(variantKeys(client)).toEqual({ a: "on" });
  });
});

test("what is tracked is uploaded by a stop, and after another start", async () => {
  const lane = server.lane([flagFor("a")]);
  const { exposureConfig } = lane.config;
  const client = ourClient(lane, {
    exposureConfig: { ...exposureConfig, flushIntervalMillis: 1e6 },
  });
  for (const user_id of ["u1", "u2"]) {
    await client.start();
    client.evaluateV2({ user_id }, undefined, { tracksExposure: true });
    client.evaluateV2({ user_id: "untracked" });
    void client.stop();
  }
  await client.stop();
  expect(lane.eventsOf("exposure-key").map((event) => event.user_id)).toEqual(["u1", "u2"]);
  expect(client.status().droppedEvents).toBe(0);
});

describe("beyond Amplitude's", () => {
  test("variant, with fallbacks, and explain", async () => {
    const client = ourClient(server.lane([flagFor("a", "none"), flagFor("b")]), {
      fallbackVariants: { a: { key: "configured" } },
    });
    await client.start();
    const user = { user_id: "u" };
    expect(client.variant(user, "b", { key: "given" })).toMatchObject({ key: "on" });
    expect(client.variant(user, "a")).toEqual({ key: "configured" });
    expect(client.variant(user, "a", { key: "given" })).toEqual({ key: "given" });
    expect(client.variant(user, "toString")).toBeUndefined();
    expect(client.explain(user, "b")).toMatchObject({ flagKey: "b" });
    expect(client.explain(user, "none")).toBeUndefined();
  });

  test("an engine of another thread, and of the same one, sees what comes", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, { shared: true, ...polling });
    await client.start();
    const attached = Engine.attach(client.handle());
    const source = `
      const { parentPort, workerData } = require("node:worker_threads");
      import("halyard").then(({ Engine }) => {
        const engine = Engine.attach(workerData);
        parentPort.on("message", () => parentPort.postMessage(engine.evaluate({})));
      });`;
    const worker = new Worker(source, { eval: true, workerData: client.handle() });
    const on = { key: "on" };
    const ask = () =>
      new Promise((answer) => {
        worker.once("message", answer);
        worker.postMessage("");
      });
    expect([await ask(), attached.evaluate({})]).toMatchObject([{ a: on }, { a: on }]);
    lane.flags = [flagFor("b")];
    await until(() => "b" in variantKeys(client));
    expect([await ask(), attached.evaluate({})]).toMatchObject([{ b: on }, { b: on }]);
    await worker.terminate();
  });

  test("its own fetch, for all that is asked for", async () => {
    const paths: string[] = [];
    const fetch = (url: string, init: RequestInit) => {
      paths.push(new URL(url).pathname.replace(/^\/\d+/, ""));
      return globalThis.fetch(url, init);
    };
    const lane = server.lane([cohortFlag("a", "c1")]);
    const { cohortSyncConfig, exposureConfig } = lane.config;
    const client = ourClient(lane, {
      fetch,
      cohortSyncConfig,
      exposureConfig,
      streamUpdates: true,
    });
    lane.cohorts = { c1: { groupType: "User", memberIds: ["u"] } };
    await client.start();
    client.evaluateV2({ user_id: "u" }, [], { tracksExposure: true });
    await client.stop();
    expect(paths).toEqual(["/sdk/stream/v1/flags", "/sdk/v1/cohort/c1", "/2/httpapi"]);
  });

  test("its status", async () => {
    const client = ourClient(server.lane([flagFor("a")]));
    const before = client.status();
    expect(before).toMatchObject({ isStarted: false, flagCount: 0, cohorts: [], isStale: false });
    expect([before.source, before.confirmedAt, before.ageMillis]).toEqual(Array(3).fill(undefined));
    await client.start();
    expect(client.status()).toEqual({
      isStarted: true,
      digest: expect.stringMatching(/^[0-9a-f]{16}$/),
      flagCount: 1,
      source: "poll",
      confirmedAt: expect.any(Number),
      ageMillis: expect.any(Number),
      isStale: false,
      lastError: undefined,
      cohorts: [],
      droppedEvents: 0,
    });
    expect(client.status().digest).not.toBe(before.digest);
  });

  test("await using stops it", async () => {
    const client = ourClient(server.lane([flagFor("a")]));
    {
      await using used = client;
      await used.start();
      expectRunning(client, true);
    }
    expectRunning(client, false);
  });

  test("one client for each key and instance name", () => {
    const one = Experiment.initializeLocal(KEY, { instanceName: "one" });
    expect(Experiment.initializeLocal(KEY, { instanceName: "one", debug: true })).toBe(one);
    expect(Experiment.initializeLocal(KEY, { instanceName: "two" })).not.toBe(one);
    expect(Experiment.initializeLocal("other", { instanceName: "one" })).not.toBe(one);
    expect(Experiment.initializeLocal(KEY)).toBe(Experiment.initializeLocal(KEY, null));
    const remote = Experiment.initializeRemote(KEY, { instanceName: "one" });
    expect(Experiment.initialize(KEY, { instanceName: "one" })).toBe(remote);
    expect(() => new LocalEvaluationClient("")).toThrow(/key/);
  });

  test("the configuration is only read", async () => {
    const lane = server.lane([flagFor("a")]);
    const config = { ...lane.config, bootstrap: { b: flagFor("b") }, serverZone: "eu" as const };
    const before = structuredClone(config);
    const client = ourClient(lane, config);
    await client.start();
    expect(config).toEqual(before);
  });
});
