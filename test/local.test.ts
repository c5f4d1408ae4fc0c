// The local client beside Amplitude's own: the same requests, variants and events of one server.
import { createServer as createTlsServer, Agent as TlsAgent } from "node:https";
import type { EvaluationFlag, ExperimentUser } from "halyard";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CohortSyncDefaults, LocalEvaluationDefaults, resolveConfig } from "../src/local/config.ts";
import { bucketOf, flagOf, on } from "./agree.ts";
import type { UploadedEvent } from "./analytics-server.ts";
import { randomFlags, randomUser } from "./cohort-random.ts";
import { meaningOf, type RecordedRequest } from "./evaluation-server.ts";
import { type FlagLane, FlagServer, type ServedCohort } from "./flag-server.ts";
import { cohortFlag, KEY, ourClient, theirClient, theirs, until } from "./local-clients.ts";
import { seededRandom } from "./random.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await FlagServer.listen();
});
afterAll(() => server.close());

const GROUP_COHORT = ["context", "groups", "org id", "cohort_ids"];
const experiment = { flagVersion: 7, experimentKey: "exp-1", flagType: "experiment" };
const all = { segmentName: "All Other Users" };
const off = { variant: "off", metadata: all };
const VARIANTS = {
  on: { key: "on", value: "on", payload: { a: [1, null] } },
  other: { key: "other", value: 5 },
  object: { key: "object", value: { b: 1 } },
  off: { key: "off", metadata: { default: true } },
};

const flags = [
  flagOf("z child", [
    { conditions: [[{ selector: ["result", "parent", "key"], op: "is", values: ["on"] }]], ...off },
    { bucket: bucketOf("salt", "on", 50, "user_id"), variant: "other", metadata: all },
  ]),
  flagOf("parent", [{ bucket: bucketOf("salt 2", "on", 50, "user_id"), variant: "off" }]),
  flagOf("10", [{ conditions: [[on("version", "version greater", "2.9")]], variant: "on" }, off]),
  flagOf("ünï 🜁", [{ conditions: [[on("city", "is", "日本", "ü🜁")]], variant: "object" }, off]),
  flagOf("numbers", [
    { conditions: [[property("age", "greater", "17.5")]], variant: "on", metadata: all },
    { conditions: [[property("age", "is", "7", "true")]], variant: "other" },
  ]),
  cohortFlag("members", "c1", "é😀"),
  flagOf("group members", [
    {
      conditions: [[{ selector: GROUP_COHORT, op: "set contains any", values: ["g1"] }]],
      variant: "on",
    },
    {
      conditions: [[{ selector: GROUP_COHORT, op: "set does not contain any", values: ["g2"] }]],
      variant: "other",
    },
  ]),
  flagOf("group", [
    { bucket: { ...bucketOf("s", "on"), selector: ["context", "groups", "org id", "group_name"] } },
  ]),
  flagOf("untracked", [{ variant: "on" }], { metadata: { trackExposure: false } }),
  flagOf("mutex", [{ variant: "on" }], { metadata: { flagType: "mutual-exclusion-group" } }),
].map((flag, i) => ({
  metadata: i % 2 ? experiment : undefined,
  ...flag,
  variants: VARIANTS,
  ...(flag.key === "z child" && { dependencies: ["parent"] }),
})) as unknown as EvaluationFlag[];

function property(name: string, op: string, ...values: string[]): object {
  return { selector: ["context", "user", "user_properties", name], op, values };
}

const COHORTS: Record<string, ServedCohort> = {
  c1: { groupType: "User", memberIds: ["u1", "u2", "7", "ü🜁"] },
  "é😀": { groupType: "User", memberIds: ["u3"], lastModified: 5 },
  g1: { groupType: "org id", memberIds: ["acme"] },
  g2: { groupType: "org id", memberIds: ["beta", "gamma"] },
};

const users = [
  {},
  { user_id: "" },
  { device_id: "d" },
  { user_id: 7 },
  { user_id: "ü🜁", device_id: "é", city: "日本", version: "2.10.0" },
  { user_id: "u1", version: "2.9", user_properties: { age: 17 } },
  { user_id: "u2", user_properties: { age: 18, plan: ["a", "b"] }, groups: { "org id": ["acme"] } },
  { user_id: "u3", user_properties: { age: "7" }, groups: { "org id": ["beta", "acme"] } },
  { user_id: "u3", user_properties: { age: true }, groups: { "org id": [], team: ["t"] } },
  { user_id: "u4", groups: { "org id": ["other"] }, group_properties: { "org id": { other: {} } } },
  ...Array.from({ length: 60 }, (_, i) => ({
    user_id: `user-${i}`,
    groups: { "org id": [`org-${i % 7}`] },
  })),
] as unknown as ExperimentUser[];

const FLAG_KEYS = [undefined, ["z child"], ["members", "unknown"], ["10", "ünï 🜁", "parent"]];

interface Pair {
  ours: FlagLane;
  their: FlagLane;
  us: ReturnType<typeof ourClient>;
  them: ReturnType<typeof theirClient>;
}

/** Both clients, started, each with its lane. */
async function pairOf(
  served: unknown,
  cohorts: Record<string, ServedCohort>,
  config: object,
): Promise<Pair> {
  const [ours, their] = [server.lane(served), server.lane(served)];
  for (const lane of [ours, their]) lane.cohorts = cohorts;
  const configOf = (lane: FlagLane) => {
    const { cohortSyncConfig, exposureConfig, assignmentConfig } = lane.config;
    return { cohortSyncConfig, exposureConfig, assignmentConfig, ...config };
  };
  const us = ourClient(ours, configOf(ours));
  const them = theirClient(their, configOf(their));
  await Promise.all([us.start(), them.start()]);
  return { ours, their, us, them };
}

async function expectSameVariants(
  { us, them }: Pick<Pair, "us" | "them">,
  asked: readonly ExperimentUser[],
) {
  for (const user of asked) {
    for (const flagKeys of FLAG_KEYS) {
      // Copies: theirs writes to the user.
      const expected = them.evaluateV2(structuredClone(user) as never, flagKeys);
      expect(us.evaluateV2(user, flagKeys)).toEqual(expected);
      const filtered = await them.evaluate(structuredClone(user) as never, flagKeys);
      expect(await us.evaluate(user, flagKeys)).toEqual(filtered);
    }
  }
}

/** As they are meant, in any order: cohorts are downloaded at once. */
function meantBy(lane: FlagLane, kind: "flags" | "stream" | "cohort"): string[] {
  return lane
    .requestsOf(kind)
    .map((request) => JSON.stringify(withoutLibrary(meaningOf(request))))
    .sort();
}

function withoutLibrary({ headers, ...request }: RecordedRequest): RecordedRequest {
  const library = headers["x-amp-exp-library"].replace(/^[\w-]+\/\d+\.\d+\.\d+$/, "name/version");
  const sorted = Object.entries({ ...headers, "x-amp-exp-library": library }).sort();
  return { ...request, headers: Object.fromEntries(sorted) };
}

describe.each([
  ["polling", { streamUpdates: false }, { flags: 1, stream: 0, cohort: 4 }],
  ["streaming", { streamUpdates: true }, { flags: 0, stream: 1, cohort: 4 }],
])("%s, beside Amplitude's", (_, config, counts) => {
  test("the variants are the same, and the requests", async () => {
    const pair = await pairOf(flags, COHORTS, config);
    await expectSameVariants(pair, users);
    for (const kind of ["flags", "stream", "cohort"] as const) {
      const requests = meantBy(pair.ours, kind);
      expect(requests).toEqual(meantBy(pair.their, kind));
      expect(requests).toHaveLength(counts[kind]);
    }
  });

  test("after other flags have come, too", async () => {
    const config1 = { ...config, flagConfigPollingIntervalMillis: 20 };
    const pair = await pairOf([], COHORTS, config1);
    for (const lane of [pair.ours, pair.their]) lane.push(flags);
    const isThere = (client: Pair["us" | "them"]) =>
      "members" in client.evaluateV2({ user_id: "u1" });
    await until(() => isThere(pair.us) && isThere(pair.them));
    await expectSameVariants(pair, users);
    expect(meantBy(pair.ours, "cohort")).toEqual(meantBy(pair.their, "cohort"));
    for (const lane of [pair.ours, pair.their]) lane.push(flags.slice(1, 3));
    await until(() => !isThere(pair.us) && !isThere(pair.them));
    await expectSameVariants(pair, users);
  });
});

test("with an https agent; ours for the stream, too", async () => {
  const psk = Buffer.from("d731ef57be09e5204f0b205b60627028", "hex");
  const makeServer = () =>
    createTlsServer({ ciphers: "PSK", pskIdentityHint: "", pskCallback: () => psk });
  const tls = await FlagServer.listen(makeServer, "https");
  const pskCallback = () => ({ psk, identity: "test" });
  const checkServerIdentity = () => undefined;
  const httpAgent = new TlsAgent({ ciphers: "PSK", pskCallback, checkServerIdentity });
  try {
    const [ours, their, streamed] = [tls.lane(flags), tls.lane(flags), tls.lane(flags)];
    for (const lane of [ours, their, streamed]) lane.cohorts = COHORTS;
    const configOf = ({ config: { cohortSyncConfig } }: FlagLane) => ({ cohortSyncConfig });
    const us = ourClient(ours, { httpAgent, ...configOf(ours) });
    const them = theirClient(their, { ...configOf(their) }, httpAgent);
    const stream = ourClient(streamed, { httpAgent, streamUpdates: true, ...configOf(streamed) });
    await Promise.all([us.start(), them.start(), stream.start()]);
    for (const client of [us, stream]) await expectSameVariants({ us: client, them }, users);
    for (const kind of ["flags", "cohort"] as const) {
      expect(meantBy(ours, kind)).toEqual(meantBy(their, kind));
    }
    expect(stream.status().source).toBe("stream");
    streamed.push([]);
    await until(() => stream.status().flagCount === 0);
    await stream.stop();
    await until(() => streamed.streams.size === 0);
  } finally {
    httpAgent.destroy();
    tls.close();
  }
});

test("random flags, cohorts and users", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seededRandom(seed);
    const isSent = (value: unknown) => !/\\ud[89a-f]/.test(JSON.stringify(value));
    const served = randomFlags(random).filter(isSent);
    const ids = ["c1", "c2", "c3", "c4", "true", "TRUE", "False", "é😀", "toString"];
    const groupTypes = ["User", "User", "org", "team"];
    const members = ["u1", "u2", "ü", "g1", "é", "shared"];
    const cohorts = ids.map((id): [string, ServedCohort] => {
      const memberIds = members.filter(() => random.chance(0.5));
      return [id, { groupType: random.pick(groupTypes), memberIds }];
    });
    const pair = await pairOf(served, Object.fromEntries(cohorts), {});
    await expectSameVariants(pair, random.times(150, () => randomUser(random)).filter(isSent));
    expect(meantBy(pair.ours, "cohort")).toEqual(meantBy(pair.their, "cohort"));
  }
});

test("the same evaluations are the same exposures and assignments", async () => {
  const pair = await pairOf(flags, COHORTS, {});
  for (const user of [...users, ...users.slice(0, 9)]) {
    for (const [flagKeys, tracksExposure] of [
      [undefined, user.user_id !== "u1"],
      [["z child"], true],
    ] as const) {
      pair.us.evaluateV2(user, flagKeys, { tracksExposure });
      const keys = flagKeys && [...flagKeys];
      pair.them.evaluateV2(structuredClone(user) as never, keys, { tracksExposure });
    }
  }
  await pair.us.stop();
  for (const apiKey of ["exposure-key", "assignment-key"]) {
    const count = () => pair.ours.eventsOf(apiKey).length;
    await until(() => pair.their.eventsOf(apiKey).length === count());
    const events = eventsOf(pair.ours, apiKey);
    expect(events).toEqual(eventsOf(pair.their, apiKey));
    expect(events.length).toBeGreaterThan(users.length);
  }
  expect(pair.us.status().droppedEvents).toBe(0);
});

/** But for the time of the evaluation. */
function eventsOf(lane: FlagLane, apiKey: string): UploadedEvent[] {
  const events = lane.eventsOf(apiKey).map((event) => ({ ...event, time: 0 }));
  return events.sort((a, b) => (a.insert_id < b.insert_id ? -1 : 1));
}

test("defaults, and the servers of the zones", () => {
  const { serverUrl, streamServerUrl } = resolveConfig();
  const defaults: Record<string, unknown> = {};
  for (const serverZone of ["us", "eu", "EU"] as const) {
    const cohortSyncConfig = { apiKey: "a", secretKey: "s" };
    const config = { serverZone: serverZone as "eu", cohortSyncConfig };
    const before = structuredClone(config);
    const ours = resolveConfig(config);
    expect(config).toEqual(before);
    const client: unknown = new theirs.LocalEvaluationClient(KEY, structuredClone(config));
    const { config: their } = client as { config: typeof ours };
    expect(ours.serverUrl).toBe(their.serverUrl);
    expect(ours.streamServerUrl).toBe(their.streamServerUrl);
    expect(ours.cohortSyncConfig?.cohortServerUrl).toBe(their.cohortSyncConfig?.cohortServerUrl);
    Object.assign(defaults, their);
  }
  const { flagConfigPollerRequestTimeoutMillis: _, serverZone, ...same } = LocalEvaluationDefaults;
  expect(defaults).toMatchObject(same);
  expect(serverZone).toBe("us");
  expect([serverUrl, streamServerUrl]).toEqual([
    "https://api.lab.amplitude.com",
    "https://stream.lab.amplitude.com",
  ]);
  expect(CohortSyncDefaults).toEqual({
    maxCohortSize: 2_147_483_647,
    cohortPollingIntervalMillis: 60_000,
  });
});
