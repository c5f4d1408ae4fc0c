// Flags and cohorts of a server: what a source tells of them, and how it begins again.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UpstreamConfig } from "../src/service/upstream-config.ts";
import { flagOf, isOn } from "./cohort-fixture.ts";
import { bodyOf, jsonOf, statusOf } from "./evaluation-server.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import { Lines, versioned } from "./local-lanes.ts";
import { evaluateWithOracle } from "./oracle.ts";
import {
  keyOf,
  newFolder,
  readCohort,
  stopped,
  UpstreamSource,
  untilTold,
} from "./service-build.ts";
import { textOf } from "./snapshot-folder.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await FlagServer.listen();
});
afterAll(() => server.close());

const OFTEN = 20;
const patience = { retryMinMillis: 1, retryMaxMillis: 4 };

function sourceOf(lane: FlagLane, more: UpstreamConfig = {}, snapshotPath = newFolder()) {
  const { serverUrl, streamServerUrl, cohortSyncConfig } = lane.config;
  const addresses = { serverUrl, streamServerUrl, cohortSyncConfig };
  const config = { flagConfigPollingIntervalMillis: OFTEN, ...addresses, ...more };
  const lines = new Lines();
  const log = { loggerProvider: lines, logLevel: 2 } as const;
  const options = { deploymentKey: "s3cret", config, snapshotPath, log, patience };
  return { source: stopped(new UpstreamSource(options)), lines: lines.all, snapshotPath };
}

const members = (...memberIds: string[]) => ({ groupType: "User", memberIds });
const cohortFlags = [flagOf("flag", ["c"]), flagOf("other", ["d"])];

test.each([
  ["polls", {}],
  ["streams", { streamUpdates: true }],
])("%s: flags and cohorts as the server has them", async (_, config) => {
  const lane = server.lane(cohortFlags);
  lane.cohorts = { c: { ...members("a"), lastModified: 5 }, d: members("b", "b") };
  const { source } = sourceOf(lane, config);
  expect(source.flags).toBeUndefined();
  expect(source.state).toMatchObject({ kind: "upstream", place: lane.url, digest: undefined });
  await source.start();
  expect(source.flags).toBe(JSON.stringify(cohortFlags));
  await untilTold(source, () => source.state.cohorts.length === 2);
  const { state } = source;
  expect(state).toMatchObject({ isStale: false, lastError: undefined, warnings: [] });
  expect(state.digest).toBe(source.engine.digest);
  expect(state.confirmedAt).toBeGreaterThan(0);
  expect(structuredClone(state)).toEqual(state);
  expect(state.cohorts).toMatchObject([
    { cohortId: "c", groupType: "User", size: 1, lastModified: 5, format: "json" },
    { cohortId: "d", groupType: "User", size: 1, lastModified: 1, format: "json" },
  ]);
  const sizes = { size: 1, lastComputed: 5, groupTypeId: 0 };
  const served = { cohortId: "c", ...sizes, ...members("a"), lastModified: 5 };
  expect(JSON.parse(await textOf(readCohort(state.cohorts[0])))).toEqual(served);
  const answer = source.engine.evaluate({ user: { user_id: "a" } });
  const user = { user_id: "a", cohort_ids: ["c"] };
  expect(answer).toEqual(evaluateWithOracle(cohortFlags, { user }));
  // The server's own text stays, also where it is unusual.
  const text = ` [${JSON.stringify(versioned("v2"))}]\n`;
  lane.always.flags = bodyOf(text);
  lane.flags = JSON.parse(text);
  if ("streamUpdates" in config) lane.push([versioned("v2")]);
  await untilTold(source, () => keyOf(source) === "v2");
  expect(source.flags).toBe("streamUpdates" in config ? text.trim() : text);
  expect(source.state.cohorts).toEqual([]);
});

describe("no flags at the start", () => {
  test("it goes on trying, whatever is wrong, and says why", async () => {
    const lane = server.lane([versioned("v1")]);
    const slow = statusOf(429, { "Retry-After": "0.001" });
    const faults = [statusOf(401), slow, jsonOf({}), bodyOf("<html>"), jsonOf([5]), statusOf(403)];
    lane.once.flags = [...faults, ...faults];
    const { source, lines } = sourceOf(lane);
    await source.start();
    expect(source.flags).toBeUndefined();
    expect(source.state).toMatchObject({ isStale: true, digest: undefined });
    expect(source.state.lastError).toContain("expected status 200, got 401");
    expect(source.start()).toBe(source.start());
    await untilTold(source, () => source.flags !== undefined);
    expect(keyOf(source)).toBe("v1");
    await untilTold(source, () => !source.state.isStale);
    expect(source.state.lastError).toBeUndefined();
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toContain("s3cret");
  });

  test("until it is stopped; then it can be started again", async () => {
    const lane = server.lane([versioned("v1")]);
    lane.always.flags = statusOf(401);
    const { source } = sourceOf(lane);
    await source.start();
    await source.stop();
    const requests = lane.requests.length;
    lane.always.flags = undefined;
    expect(source.flags).toBeUndefined();
    await source.start();
    expect(keyOf(source)).toBe("v1");
    expect(lane.requests.length).toBe(requests + 1);
  });

  test("stopped while the server is silent", async () => {
    const lane = server.lane();
    lane.always.flags = () => {};
    const { source } = sourceOf(lane);
    const starting = source.start();
    await source.stop();
    await starting;
    expect(source.flags).toBeUndefined();
  });

  test("but those of a snapshot: with its cohorts, stale", async () => {
    const lane = server.lane(cohortFlags);
    lane.cohorts = { c: { ...members("a"), lastModified: 7 }, d: members() };
    const before = sourceOf(lane);
    await before.source.start();
    await before.source.stop();
    lane.always.flags = statusOf(503);
    lane.always.cohort = statusOf(503);
    const { source } = sourceOf(lane, {}, before.snapshotPath);
    await source.start();
    expect(source.flags).toBe(JSON.stringify(cohortFlags));
    expect(isOn(source.engine, "a")).toBe(true);
    await untilTold(source, () => source.state.isStale);
    expect(source.state.lastError).toContain("503");
    expect(source.state.cohorts).toHaveLength(2);
    const file = source.state.cohorts.find(({ cohortId }) => cohortId === "c")!;
    expect(file).toMatchObject({ lastModified: 7, size: 1 });
    expect(await textOf(readCohort(file))).toContain('"a"');
    lane.always.flags = undefined;
    await untilTold(source, () => !source.state.isStale);
    expect(source.state.lastError).toBeUndefined();
  });
});

describe("tells", () => {
  test("of a failure, and that it is over, though nothing has changed", async () => {
    const lane = server.lane([versioned("v1")]);
    lane.hasEtag = true;
    const { source } = sourceOf(lane);
    await source.start();
    const { digest } = source.state;
    lane.once.flags = [statusOf(500)];
    await untilTold(source, () => source.state.lastError !== undefined);
    await untilTold(source, () => source.state.lastError === undefined);
    expect(source.state).toMatchObject({ digest, isStale: false });
  });

  test("until it is told to end", async () => {
    const lane = server.lane([versioned("v1")]);
    const { source } = sourceOf(lane);
    let calls = 0;
    const end = source.onChange(() => calls++);
    await source.start();
    end();
    const before = calls;
    expect(before).toBeGreaterThan(0);
    lane.flags = [versioned("v2")];
    await untilTold(source, () => keyOf(source) === "v2");
    expect(calls).toBe(before);
  });

  test("of a cohort that cannot be had; the flags are live", async () => {
    const lane = server.lane(cohortFlags);
    lane.cohorts = { d: members("b") };
    const { source } = sourceOf(lane);
    await source.start();
    await untilTold(source, () => source.state.cohorts.length === 1);
    expect(source.state.lastError).toMatch(/^cohort c: .*404/);
    expect(source.state).toMatchObject({ isStale: false, warnings: [{ code: "unknown-cohort" }] });
  });
});

test("whoever listens and throws is said, and does no harm", async () => {
  const { source, lines } = sourceOf(server.lane([versioned("one")]));
  source.onChange(() => {
    throw new Error("a listener's own");
  });
  await source.start();
  expect(keyOf(source)).toBe("one");
  expect(lines).toContainEqual(expect.stringContaining("a listener has failed: Error: a listener"));
});

test("a cohort whose file cannot be written is not among the files, but live", async () => {
  const lane = server.lane(cohortFlags);
  lane.cohorts = { c: members("a"), d: members("b") };
  const snapshotPath = join(newFolder(), "a file");
  writeFileSync(snapshotPath, "");
  const { source } = sourceOf(lane, {}, snapshotPath);
  await source.start();
  expect(isOn(source.engine, "a")).toBe(true);
  await source.stop();
  expect(source.state.cohorts).toEqual([]);
  expect(readFileSync(snapshotPath, "utf8")).toBe("");
  rmSync(snapshotPath);
  lane.flags = [flagOf("flag", ["e"])];
  lane.cohorts = { e: members("e") };
  await source.start();
  await untilTold(source, () => source.state.cohorts.length === 1);
  expect(isOn(source.engine, "e")).toBe(true);
});

test.each([
  ["key", { deploymentKey: "" }, "deploymentKey: expected a text"],
  ["key for a header", { deploymentKey: "s3cret\n" }, "Invalid character"],
  ["directory", { snapshotPath: "" }, "snapshotPath: expected a path"],
  ["address", { config: { serverUrl: "s3cret" } }, "serverUrl: expected an http or https address"],
  ["scheme", { config: { streamServerUrl: "file:///x" } }, "streamServerUrl: expected an http"],
  [
    "secret",
    { config: { cohortSyncConfig: { apiKey: "a", secretKey: "" } } },
    "apiKey and secretKey",
  ],
])("is not made without a %s", (_, wrong, message) => {
  const options = { deploymentKey: "key", snapshotPath: newFolder(), ...wrong };
  const make = () => new UpstreamSource(options);
  expect(make).toThrow(message);
  expect(make).not.toThrow("s3cret");
});

test("a server that never answers holds up no start", async () => {
  const lane = server.lane(cohortFlags);
  lane.always.flags = () => {};
  const patient = { ...patience, startMillis: 20 };
  const config = { serverUrl: lane.url };
  const options = { deploymentKey: "s3cret", config, snapshotPath: newFolder() };
  const source = stopped(new UpstreamSource({ ...options, patience: patient }));
  await source.start();
  expect([source.flags, source.state.digest]).toEqual([undefined, undefined]);
});
