// Exposures and assignments, side by side with Amplitude's Node SDK: both upload to one server.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import {
  LocalEvaluationClient,
  type LocalEvaluationConfig,
} from "@amplitude/experiment-node-server";
import { Engine, type EvaluationFlag, type ExperimentUser, toContext } from "halyard/engine";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Log } from "../src/sdk/log.ts";
import { assignmentEvent } from "../src/tracking/assignment.ts";
import {
  CanonicalForm,
  hashCode,
  hashCodeBefore,
  type Results,
} from "../src/tracking/canonical.ts";
import type { ExposureConfig } from "../src/tracking/config.ts";
import { DAY_MILLIS, Evaluation } from "../src/tracking/evaluation.ts";
import { exposureEvents } from "../src/tracking/exposure.ts";
import { Filter } from "../src/tracking/filter.ts";
import { Tracker } from "../src/tracking/tracker.ts";
import { bucketOf, flagOf, on } from "./agree.ts";
import { AnalyticsServer } from "./analytics-server.ts";

interface Tracked {
  canonicalize(): string;
}
const amplitude = (path: string) =>
  createRequire(import.meta.url)(`@amplitude/experiment-node-server/dist/src/${path}.js`);
const { Exposure } = amplitude("exposure/exposure") as {
  Exposure: new (user: ExperimentUser, results: Results) => Tracked;
};
const { toExposureEvents } = amplitude("exposure/exposure-service") as {
  toExposureEvents(exposure: Tracked, ttl: number): object[];
};
const { toEvent } = amplitude("assignment/assignment-service") as { toEvent(it: Tracked): object };
const { InMemoryExposureFilter } = amplitude("exposure/exposure-filter") as {
  InMemoryExposureFilter: new (size: number) => { shouldTrack(exposure: object): boolean };
};
const { hashCode: theirHashCode } = amplitude(
  "util/hash",
) as typeof import("../src/tracking/canonical.ts");

const log = new Log({}, []);
const canonicalOf = (user: ExperimentUser, results: Results) =>
  new CanonicalForm().of(user, results);
/** A config of theirs is one of ours. */
const configOf = (config: NonNullable<LocalEvaluationConfig["exposureConfig"]>): ExposureConfig =>
  config;

const VARIANTS = {
  on: { key: "on", value: "on", payload: { a: 1 } },
  off: { key: "off", metadata: { default: true } },
  " spaced key ": { key: " spaced key " },
  valued: { value: "only a value" },
  number: { value: 7 },
  empty: {},
};
const all = { segmentName: "All Other Users" };
const pro = { conditions: [[on("plan", "is", "pro")]], variant: "on", metadata: all };
const experiment = { flagVersion: 7, experimentKey: "exp-1", flagType: "experiment" };
const flags = [
  flagOf("z-last", [pro, { variant: "off" }], { metadata: experiment }),
  flagOf("a first ", [{ variant: " spaced key " }]),
  flagOf("10", [{ variant: "on", metadata: all }], { metadata: { flagVersion: 3 } }),
  flagOf("9", [{ variant: "off", metadata: all }], { metadata: { flagVersion: 3 } }),
  flagOf("mutex", [{ variant: "on" }], { metadata: { flagType: "mutual-exclusion-group" } }),
  flagOf("untracked", [{ variant: "on" }], { metadata: { trackExposure: false } }),
  flagOf("valued", [{ variant: "valued" }], { metadata: { trackExposure: true } }),
  flagOf("number", [{ variant: "number" }]),
  flagOf("empty", [{ variant: "empty" }]),
  flagOf("ünï 🜁", [pro, { variant: "valued" }], { dependencies: ["mutex"] }),
  flagOf("half", [{ bucket: bucketOf("salt", "on", 50, "user_id"), variant: "valued" }]),
].map((flag) => ({ ...flag, variants: VARIANTS }) as unknown as EvaluationFlag);

const users: ExperimentUser[] = [
  { user_id: "user", device_id: "device" },
  { user_id: "user", device_id: "device", user_properties: { plan: "pro" } },
  { user_id: " user ", device_id: "device\t" },
  { user_id: "user" },
  { device_id: "device" },
  {},
  { user_id: "", device_id: "" },
  { user_id: "a b", device_id: "c" },
  { user_id: "a", device_id: "b c" },
  { user_id: "ü🜁\ud800", device_id: "é" },
  { user_id: null, device_id: 7 } as unknown as ExperimentUser,
  { user_id: "g", groups: { "org id": ["acme", "b"], 5: [] } },
  { user_id: "g2", groups: {} },
  ...Array.from({ length: 20 }, (_, i) => ({ user_id: `u${i % 15}`, plan: i % 2 ? "pro" : "" })),
].map((user) => ({ ...user, plan: (user as ExperimentUser).user_properties?.plan }) as object);

let server: AnalyticsServer;
beforeAll(async () => {
  server = await AnalyticsServer.start();
});
afterAll(() => server.stop());
afterEach(() => {
  vi.useRealTimers();
});

/** Calls with a user and flag keys; the last user is new, so its events come last. */
type Call = [user: ExperimentUser, flagKeys: string[] | undefined, tracksExposure: boolean];
const LAST: Call = [{ user_id: "the last" }, undefined, true];

const configs = (who: string) => ({
  exposureConfig: { ...upload(), apiKey: `${who} exposure` },
  assignmentConfig: { ...upload(), apiKey: `${who} assignment` },
});
const upload = () => ({ serverUrl: server.url, flushIntervalMillis: 20, flushQueueSize: 40 });

async function trackByAmplitude(calls: readonly Call[]): Promise<void> {
  const bootstrap = Object.fromEntries(flags.map((flag) => [flag.key, flag]));
  const client = new LocalEvaluationClient("", { bootstrap, ...configs("theirs") } as object);
  for (const [user, flagKeys, tracksExposure] of calls) {
    client.evaluateV2(structuredClone(user) as never, flagKeys, { tracksExposure });
  }
  const lastCame = (kind: string) =>
    server.eventsOf(`theirs ${kind}`).some(({ user_id }) => user_id === "the last");
  while (!lastCame("assignment") || !lastCame("exposure")) await sleep(20);
}

async function trackByHalyard(calls: readonly Call[]): Promise<Tracker> {
  const engine = await Engine.load(flags);
  const tracker = new Tracker(configs("ours"), log);
  for (const [user, flagKeys, tracksExposure] of calls) {
    const copy = structuredClone(user);
    tracker.track(copy, engine.evaluate(toContext(copy), flagKeys), { tracksExposure });
    copy.user_id = "written to";
    if (copy.groups) copy.groups.more = ["written to"];
  }
  await tracker.flush(10_000);
  return tracker;
}

/** In their order, members in theirs too; the times are those of two runs. */
const textsOf = (apiKey: string) =>
  server.eventsOf(apiKey).map((event) => JSON.stringify({ ...event, time: 0 }));

test("the same evaluations are the same uploaded events", async () => {
  const calls: Call[] = [...users, ...users].map((user, i) => [user, undefined, i % 3 !== 1]);
  calls.push(...users.map((user): Call => [user, ["mutex", "z-last"], true]));
  calls.push(...users.map((user): Call => [user, ["unknown"], true]));
  calls.push(...users.map((user): Call => [user, ["z-last", "mutex"], true]), LAST);
  await trackByAmplitude(calls);
  const tracker = await trackByHalyard(calls);
  expect(tracker.dropped).toBe(0);
  await tracker.stop(1000);
  for (const kind of ["assignment", "exposure"]) {
    expect(textsOf(`ours ${kind}`)).toEqual(textsOf(`theirs ${kind}`));
    expect(server.eventsOf(`ours ${kind}`).length).toBeGreaterThan(30);
  }
  const text = JSON.stringify(server.uploads);
  for (const known of ["[Experiment] ünï 🜁", "only a value", "undefined undefined", "exp-1"]) {
    expect(text).toContain(known);
  }
  expect(text).not.toContain("written to");
  for (const { time, library } of server.uploads.flatMap(({ events }) => events)) {
    expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
    expect(library).toMatch(/^amplitude-node-ts\//);
  }
  const [theirs, ours] = ["theirs", "ours"].map((who) => {
    const { method, path, headers } = server.uploads.find((it) => it.apiKey.startsWith(who))!;
    return [method, path, headers["content-type"], headers["content-encoding"]];
  });
  expect(ours).toEqual(theirs);
});

describe("events of results", () => {
  const metadata = [
    undefined,
    {},
    { default: true },
    { default: 1, flagVersion: 2 },
    { trackExposure: null, flagVersion: 2, segmentName: "s" },
    { trackExposure: 0 },
    { flagType: "mutual-exclusion-group", experimentKey: "", segmentName: "s" },
  ];
  const variants = [{}, { key: "" }, { key: "k" }, { key: " k" }, { value: "v" }, { value: 0 }];
  const rows = metadata.flatMap((data) =>
    variants.map((variant) => (data ? { ...variant, metadata: data } : variant)),
  );
  const results = Object.fromEntries(rows.map((row, i) => [i % 2 ? `f${i}` : i, row])) as Results;

  test.each(users)("are theirs for %j", (user) => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1.7e12 });
    const evaluation = new Evaluation(user, results, canonicalOf(user, results), false);
    const theirs = new Exposure(user, results);
    expect(evaluation.canonical).toBe(theirs.canonicalize());
    const texts = (events: object) => JSON.stringify(events);
    expect(texts(exposureEvents(evaluation))).toBe(texts(toExposureEvents(theirs, DAY_MILLIS)));
    expect(texts(assignmentEvent(evaluation))).toBe(texts(toEvent(theirs)));
  });

  test("of assignments say what the user was evaluated by, if that is asked for", () => {
    const user = { user_id: "u", country: "de", version: "1.2", user_properties: { plan: "pro" } };
    const evaluation = new Evaluation(user, { f: { key: "on" } }, "u  f on ", true);
    user.user_properties.plan = "free";
    expect(assignmentEvent(evaluation)).toEqual({
      event_type: "[Experiment] Assignment",
      user_id: "u",
      device_id: undefined,
      country: "de",
      version: "1.2",
      event_properties: { "f.variant": "on" },
      user_properties: { plan: "pro", $set: { "[Experiment] f": "on" }, $unset: {} },
      insert_id: expect.stringMatching(/^u undefined -?\d+ \d+$/),
    });
    expect(exposureEvents(evaluation)[0]).not.toHaveProperty("country");
  });

  test("know a flag that is named __proto__, which theirs do not", () => {
    const named = JSON.parse('{"__proto__":{"key":"on"},"b":{"key":"on"}}') as Results;
    const canonical = canonicalOf({ user_id: "u" }, named);
    expect(canonical).toBe("u  __proto__ on b on ");
    const evaluation = new Evaluation({ user_id: "u" }, named, canonical, false);
    expect(exposureEvents(evaluation).map(({ user_properties }) => user_properties.$set)).toEqual([
      { "[Experiment] __proto__": "on" },
      { "[Experiment] b": "on" },
    ]);
    expect(assignmentEvent(evaluation).event_properties).toEqual({
      "__proto__.variant": "on",
      "b.variant": "on",
    });
  });
});

test("the canonical form does not depend on the order of keys or on what came before", () => {
  const form = new CanonicalForm();
  const a = { key: "1" };
  const b = { key: "2" };
  expect(form.of({ user_id: "u" }, { b, a })).toBe("u  a 1 b 2 ");
  expect(form.of({ user_id: "u" }, { a, b })).toBe("u  a 1 b 2 ");
  expect(form.of({ user_id: "u" }, { b, c: a })).toBe("u  b 2 c 1 ");
  expect(form.of({ user_id: "u" }, { b })).toBe("u  b 2 ");
});

test("hashes are theirs, whole and in two parts", () => {
  const texts = ["", "a", "Aa", "BB", "ü🜁\ud800", "x".repeat(5000), "user device basic control "];
  for (const text of texts) {
    expect(hashCode(text)).toBe(theirHashCode(text));
    const before = hashCodeBefore(text);
    for (const other of texts) expect(before(other)).toBe(theirHashCode(other + text));
  }
});

describe("the filter", () => {
  const results = { flag: { key: "on" } };
  const shouldTrack = (filter: Filter, canonical: string) => {
    if (filter.has(canonical)) return false;
    filter.add(canonical);
    return true;
  };

  test.each([0, 1, 2, 2.5, 7, 1e9])("is theirs with room for %d", (capacity) => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1.7e12 });
    const ours = new Filter(capacity);
    const theirs = new InMemoryExposureFilter(capacity);
    let state = 1;
    for (let step = 0; step < 3000; step++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const exposure = new Exposure({ user_id: `u${(state >>> 16) % 9}` }, results);
      const expected = theirs.shouldTrack(exposure);
      expect(shouldTrack(ours, exposure.canonicalize())).toBe(expected);
      if ((state >>> 8) % 20 === 0) vi.setSystemTime(Date.now() + DAY_MILLIS / 8);
    }
  });

  test("forgets a day after the first time, to the millisecond", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1.7e12 });
    const filter = new Filter(9);
    const at = (millis: number) => {
      vi.setSystemTime(1.7e12 + millis);
      return shouldTrack(filter, "u");
    };
    expect([0, 1, DAY_MILLIS / 2, DAY_MILLIS, DAY_MILLIS + 1, DAY_MILLIS + 2].map(at)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
    ]);
  });
});

test("a day later the same events come with another insert_id", async () => {
  const results = { flag: { key: "on" } };
  vi.useFakeTimers({ toFake: ["Date"], now: 1.7e12 });
  const tracker = new Tracker({ exposureConfig: configOf({ ...upload(), apiKey: "day" }) }, log);
  for (const later of [0, DAY_MILLIS, 1]) {
    vi.setSystemTime(Date.now() + later);
    tracker.track({ user_id: "u" }, results, { tracksExposure: true });
  }
  await tracker.flush(5000);
  await tracker.stop(1000);
  const ids = server.eventsOf("day").map(({ insert_id }) => insert_id);
  const hash = hashCode(`flag ${canonicalOf({ user_id: "u" }, results)}`);
  expect(ids).toEqual([`u undefined ${hash} 19675`, `u undefined ${hash} 19676`]);
});
