// The service beside its clients: Amplitude's SDKs and ours, on real sockets, give the answers of
// the reference engine.
import { createRequire } from "node:module";
import * as browser from "@amplitude/experiment-js-client";
import { Experiment, type ExperimentUser, LogLevel, RemoteEvaluationClient } from "halyard";
import type { EvaluationContext, EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { bucketOf, flagOf, on } from "./agree.ts";
import { CohortClient } from "./cohort-client.ts";
import * as cohortFixture from "./cohort-fixture.ts";
import * as cohortWorld from "./cohort-random.ts";
import { cohortFlag, OFTEN, RARELY, theirs, until, variantKeys } from "./local-clients.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { type Random, randomContext, randomFlags, seededRandom } from "./random.ts";
import { type Running, runService, TestSource } from "./service-server.ts";

type Json = Record<string, unknown>;

const require = createRequire(import.meta.url);
const amplitude = (path: string) => require(`@amplitude/experiment-node-server/dist/src/${path}`);
const { convertUserToEvaluationContext } = amplitude("util/user") as {
  convertUserToEvaluationContext(user: unknown): EvaluationContext;
};
const { evaluationVariantsToVariants } = amplitude("util/variant") as {
  evaluationVariantsToVariants(variants: unknown): Json;
};

const KEY = "server-key/with+odd=characters:";
const CLIENT_KEY = "client-key";
const COHORT_KEYS = { apiKey: "api-key", secretKey: "secret:with:colons" };
const KEYS = { keys: [KEY, CLIENT_KEY], cohortKeys: [COHORT_KEYS] };
/** A header has room for these. */
const USER_TEXT_MAX = 6_000;
const throughJson = (value: unknown) => JSON.parse(JSON.stringify(value));

/** What an SDK hands out after the reference engine has evaluated what was sent. */
function expectedOf(flags: readonly EvaluationFlag[], user: unknown, flagKeys?: string[]): Json {
  const context = convertUserToEvaluationContext(throughJson(user));
  const variants = evaluateWithOracle([...flags], context, flagKeys);
  return evaluationVariantsToVariants(throughJson(variants));
}

/** A user from a random context; an empty one if it cannot be sent. */
function randomUser(random: Random): ExperimentUser {
  const { user, groups } = (randomContext(random) ?? {}) as { user?: Json; groups?: Json };
  const named: [string, string, Json][] = Object.entries(groups ?? {}).map(([type, group]) => {
    return [type, `name of ${type}`, group as Json];
  });
  const more = {
    library: "test/1",
    groups: Object.fromEntries(named.map(([type, name]) => [type, [name]])),
    group_properties: Object.fromEntries(
      named.map(([type, name, group]) => [type, { [name]: group?.group_properties }]),
    ),
    group_cohort_ids: Object.fromEntries(
      named.map(([type, name, group]) => [type, { [name]: group?.cohort_ids }]),
    ),
  };
  try {
    const text = JSON.stringify({ ...(user as Json), ...more });
    return text.length > USER_TEXT_MAX ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

function remoteClients(url: string) {
  const config = { serverUrl: url, logLevel: LogLevel.Disable, fetchRetries: 0 };
  return [
    new theirs.RemoteEvaluationClient(KEY, config),
    Experiment.initializeRemote(KEY, { ...config, instanceName: url }),
  ];
}

let pairs = 0;

/** Amplitude's client and ours, started. */
async function startLocal({ url }: Running, more: object = {}) {
  const config = {
    serverUrl: url,
    streamServerUrl: url,
    logLevel: LogLevel.Disable,
    flagConfigPollingIntervalMillis: RARELY,
    cohortSyncConfig: { ...COHORT_KEYS, cohortServerUrl: url },
    instanceName: `${url} ${pairs++}`,
    ...more,
  };
  const them = new theirs.LocalEvaluationClient(KEY, structuredClone(config));
  const us = Experiment.initializeLocal(KEY, config);
  await Promise.all([them.start(), us.start()]);
  const stop = async () => {
    await Promise.all([them.stop(), us.stop()]);
  };
  return { them, us, [Symbol.asyncDispose]: stop };
}

describe("remote clients", () => {
  test("get what the reference engine answers, for random users and flags", async () => {
    const random = seededRandom(11);
    const source = new TestSource();
    const { url } = await runService({ source, ...KEYS });
    const clients = remoteClients(url);
    let compared = 0;
    for (let world = 0; world < 60; world++) {
      const flags = throughJson(randomFlags(random)) as EvaluationFlag[];
      source.update(flags);
      const some = flags.filter(() => random.chance(0.3)).map(({ key }) => key);
      for (const user of random.times(6, () => randomUser(random))) {
        for (const flagKeys of [undefined, [...some, "unknown 😀"]]) {
          const expected = expectedOf(flags, user, flagKeys);
          for (const client of clients) {
            expect(await client.fetchV2(user as never, { flagKeys })).toEqual(expected);
            compared++;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(900);
  });

  test("of all flags for an empty list of keys, whatever is tracked", async () => {
    const flags = [flagOf("a", [{ variant: "on" }]), flagOf("b", [{ variant: "off" }])];
    const { url } = await runService({ flags, ...KEYS });
    const tracks = [true, false, undefined];
    for (const client of remoteClients(url)) {
      for (const tracksAssignment of tracks) {
        for (const tracksExposure of tracks) {
          const options = { flagKeys: [], tracksAssignment, tracksExposure };
          const variants = await client.fetchV2({ user_id: "u" }, options);
          expect(variants).toEqual(expectedOf(flags, { user_id: "u" }));
        }
      }
    }
  });

  test("a user that a header has no room for comes in the body", async () => {
    const flags = [flagOf("long", [{ conditions: [[on("city", "is", "x".repeat(20_000))]] }])];
    const { url } = await runService({ flags, ...KEYS });
    const client = new RemoteEvaluationClient(KEY, { serverUrl: url, fetchRetries: 0 });
    const user = { city: "x".repeat(20_000) };
    expect(await client.fetchV2(user)).toEqual(expectedOf(flags, user));
  });

  test("another key is not tried again", async () => {
    const { url, log } = await runService({ flags: [], ...KEYS });
    const config = { serverUrl: url, logLevel: LogLevel.Disable };
    const them = new theirs.RemoteEvaluationClient("other", config);
    const us = new RemoteEvaluationClient("other", config);
    for (const client of [them, us]) {
      await expect(client.fetchV2({})).rejects.toMatchObject({ statusCode: 401 });
    }
    expect(log.filter(({ fields }) => fields.status === 401)).toHaveLength(2);
  });
});

const members = cohortFlag("members", "c1");
const groupMembers = cohortFixture.flagOf("group members", ["g1"], "org id");
const [c1, g1] = [
  { cohortId: "c1", groupType: "User", memberIds: ["u1", "ü🜁"], lastModified: 1_700_000_000_000 },
  { cohortId: "g1", groupType: "org id", memberIds: ["acme"], lastModified: 1_700_000_000_001 },
];

function cohortSource(): TestSource {
  const source = new TestSource([members, groupMembers]);
  source.setCohort(c1);
  source.setCohort(g1);
  return source;
}

describe("local clients", () => {
  test("evaluate its flags and cohorts as a client that always had them", async () => {
    const random = seededRandom(12);
    for (let world = 0; world < 12; world++) {
      // An unpaired surrogate cannot be in an address.
      const plain = (value: object) => JSON.parse(JSON.stringify(value).replaceAll("\\ud800", "x"));
      const flags: EvaluationFlag[] = plain(cohortWorld.randomFlags(random));
      const cohorts = plain(cohortWorld.randomCohorts(random));
      const oracle = new CohortClient(flags, cohorts);
      const source = new TestSource(flags);
      for (const cohort of cohorts) source.setCohort({ ...cohort, lastModified: 1 });
      const running = await runService({ source, ...KEYS });
      await using clients = await startLocal(running);
      const [, remote] = remoteClients(running.url);
      for (const user of random.times(25, () => cohortWorld.randomUser(random))) {
        const sent = { ...throughJson(user), library: "test/1" };
        const copy = structuredClone(sent);
        expect(clients.them.evaluateV2(copy as never)).toEqual(oracle.evaluate(sent));
        const expected = oracle.respect(sent);
        expect(clients.us.evaluateV2(sent)).toEqual(expected);
        expect(await remote.fetchV2(sent)).toEqual(expected);
      }
    }
  });

  test("have the cohorts of users and of groups", async () => {
    const running = await runService({ source: cohortSource(), ...KEYS });
    await using clients = await startLocal(running);
    for (const client of [clients.them, clients.us]) {
      const keysOf = (user: ExperimentUser) => {
        const variants = client.evaluateV2(user as never) as Record<string, { key: string }>;
        return [variants.members.key, variants["group members"]?.key];
      };
      expect(keysOf({ user_id: "ü🜁" })).toEqual(["on", undefined]);
      expect(keysOf({ user_id: "u2", groups: { "org id": ["acme"] } })).toEqual(["off", "on"]);
    }
  });

  test("see an edit at their next poll", async () => {
    const source = new TestSource([flagOf("a", [{ variant: "off" }])]);
    const running = await runService({ source, ...KEYS });
    await using clients = await startLocal(running, { flagConfigPollingIntervalMillis: OFTEN });
    const keysOf = () => [clients.them, clients.us].map((it) => variantKeys(it as never));
    expect(keysOf()).toEqual([{ a: "off" }, { a: "off" }]);
    source.update([flagOf("a", [{ variant: "on" }]), members]);
    source.setCohort(c1);
    const after = { a: "on", members: "off" };
    await until(() => JSON.stringify(keysOf()) === JSON.stringify([after, after]));
    await until(() => running.log.some(({ fields }) => fields.status === 304));
  });

  test("see an edit by the stream, with the cohort that it needs", async () => {
    const source = new TestSource([flagOf("a", [{ variant: "off" }])]);
    const running = await runService({ source, ...KEYS, streamKeepAliveMillis: OFTEN });
    await using clients = await startLocal(running, { streamUpdates: true });
    const { metrics } = running.service;
    await until(() => metrics.streams === 2);
    const keysOf = () => [clients.them, clients.us].map((it) => variantKeys(it as never, "u1"));
    await until(() => JSON.stringify(keysOf()) === '[{"a":"off"},{"a":"off"}]');
    expect(clients.us.status().source).toBe("stream");
    source.setCohort(c1);
    for (const variant of ["on", "other"]) {
      source.update([flagOf("a", [{ variant }]), members]);
      const after = { a: variant, members: "on" };
      await until(() => JSON.stringify(keysOf()) === JSON.stringify([after, after]));
    }
    expect(metrics.streams).toBe(2);
    await Promise.all([clients.them.stop(), clients.us.stop()]);
    await until(() => metrics.streams === 0);
  });

  test("without the secret have flags, and no cohorts", async () => {
    const running = await runService({ source: cohortSource(), ...KEYS });
    const cohortSyncConfig = { ...COHORT_KEYS, secretKey: "secret", cohortServerUrl: running.url };
    await using clients = await startLocal(running, { cohortSyncConfig });
    expect(variantKeys(clients.them as never, "u1")).toMatchObject({ members: "off" });
    const refused = running.log.filter(({ fields }) => fields.status === 401);
    expect(refused.map(({ fields }) => fields.route)).toContain("/sdk/v1/cohort/:cohortId");
  });
});

const local = { metadata: { evaluationMode: "local", flagVersion: 1 } };
const remoteOnly = { metadata: { evaluationMode: "remote", flagVersion: 2 } };
const is = (key: string) => ({ selector: ["result", key, "key"], op: "is", values: ["on"] });
const BROWSER_FLAGS = [
  flagOf("hidden", [{ variant: "on" }], remoteOnly),
  flagOf("parent", [{ bucket: bucketOf("p", "on", 50, "user_id"), variant: "off" }], remoteOnly),
  flagOf("local child", [{ conditions: [[is("parent")]], variant: "on" }, { variant: "off" }], {
    ...local,
    dependencies: ["parent"],
  }),
  flagOf("local", [{ conditions: [[on("city", "is", "日本")]], variant: "other" }], local),
  flagOf("remote", [{ bucket: bucketOf("r", "on", 50, "user_id"), variant: "off" }], remoteOnly),
];

/** Amplitude's browser client without a browser, and what it has been answered. */
function browserClient(url: string, key: string) {
  const answers: { url: string; status: number; body: string }[] = [];
  const httpClient = {
    async request(requestUrl: string, method: string, headers: Record<string, string>) {
      const response = await fetch(requestUrl, { method, headers });
      const answer = { status: response.status, body: await response.text() };
      answers.push({ url: requestUrl, ...answer });
      return answer;
    },
  };
  const client = browser.Experiment.initialize(key, {
    ...{ serverUrl: url, flagsServerUrl: url, instanceName: url, httpClient },
    ...{ pollOnStart: false, automaticExposureTracking: false, throwOnError: true },
    ...{ retryFetchOnFailure: false, storage: new browser.MemoryStorage() },
  } as never);
  return { client, answers };
}

describe("the browser client", () => {
  test("has remote variants, and evaluates local flags of which it knows no other", async () => {
    const { url } = await runService({ flags: BROWSER_FLAGS, ...KEYS });
    const { client, answers } = browserClient(url, CLIENT_KEY);
    for (let at = 0; at < 20; at++) {
      const user = { user_id: `user ${at}`, city: at % 3 ? "Wien" : "日本" };
      if (at === 0) await client.start(user);
      else await client.fetch(user);
      const expected = expectedOf(BROWSER_FLAGS, user) as Record<string, { key: string }>;
      const keys = Object.keys(expected);
      expect(keys).toEqual(expect.arrayContaining(["remote", "local child", "parent"]));
      for (const key of keys) expect(client.variant(key).key).toBe(expected[key].key);
    }
    client.stop();
    const flags = answers.find((answer) => answer.url.includes("/sdk/v2/flags"));
    const known = (JSON.parse(flags!.body) as EvaluationFlag[]).map(({ key }) => key);
    expect(known).toEqual(["parent", "local child", "local"]);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  test("fetches some flags, and then knows that others are gone", async () => {
    const source = new TestSource(BROWSER_FLAGS);
    const { url } = await runService({ source, ...KEYS });
    const { client } = browserClient(url, CLIENT_KEY);
    const user = { user_id: "u", city: "日本" };
    await client.fetch(user);
    expect(client.variant("hidden").key).toBe("on");
    source.update(BROWSER_FLAGS.slice(1));
    await client.fetch(user, { flagKeys: ["hidden", "remote"] });
    expect(client.variant("hidden").key).toBeUndefined();
    expect(client.variant("remote")).toMatchObject({ key: expect.stringMatching(/^(on|off)$/) });
  });
});
