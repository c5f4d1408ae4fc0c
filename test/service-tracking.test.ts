// Exposures and assignments of requests, as Amplitude's Node SDK uploads them for the same users.
import type { ExperimentUser } from "halyard";
import type { EvaluationFlag } from "halyard/engine";
import { InlineSource } from "halyard/service";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bucketOf, flagOf, on } from "./agree.ts";
import { AnalyticsServer, accept } from "./analytics-server.ts";
import { RARELY, theirs, until } from "./local-clients.ts";
import { type Asked, ask, runService } from "./service-server.ts";

let server: AnalyticsServer;
beforeAll(async () => {
  server = await AnalyticsServer.start();
});
afterAll(() => server.stop());

const QUEUE = 40;
const configsOf = (who: string, more: object = {}) => {
  const upload = { serverUrl: server.url, flushIntervalMillis: 20, flushQueueSize: QUEUE, ...more };
  return {
    exposureConfig: { ...upload, apiKey: `${who} exposure` },
    assignmentConfig: { ...upload, apiKey: `${who} assignment` },
  };
};

const all = { segmentName: "All Other Users" };
const off = { variant: "off", metadata: all };
const experiment = { flagVersion: 7, experimentKey: "exp-1", flagType: "experiment" };
const FLAGS = [
  flagOf("z-last", [{ conditions: [[on("plan", "is", "pro")]], variant: "on" }, off], {
    metadata: experiment,
  }),
  flagOf("10", [{ bucket: bucketOf("salt", "on", 50, "user_id"), variant: "valued" }]),
  flagOf("mutex", [{ variant: "on" }], { metadata: { flagType: "mutual-exclusion-group" } }),
  flagOf("untracked", [{ variant: "on" }], { metadata: { trackExposure: false } }),
  flagOf("ünï 🜁", [{ variant: "valued", metadata: all }], { dependencies: ["mutex"] }),
].map((flag) => ({
  ...flag,
  variants: {
    on: { key: "on", value: "on", payload: { a: 1 } },
    off: { key: "off", metadata: { default: true } },
    valued: { value: "only a value" },
  },
})) as unknown as EvaluationFlag[];

const USERS = [
  {},
  { device_id: "device" },
  { user_id: "ü🜁", device_id: " é" },
  { user_id: "u", plan: "pro" },
  { user_id: "g", groups: { "org id": ["acme", "b"] } },
  ...Array.from({ length: 40 }, (_, at) => ({ user_id: `user ${at}`, device_id: `${at % 7}` })),
] as ExperimentUser[];

const PATH = "/sdk/v2/vardata";
const header = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const EXPOSED = { "X-Amp-Exp-Exposure-Track": "track" };

/** In their order, members in theirs too; the times are those of two runs. */
const textsOf = (apiKey: string) =>
  server.eventsOf(apiKey).map((event) => JSON.stringify({ ...event, time: 0 }));
const idsOf = (apiKey: string) => server.eventsOf(apiKey).map(({ user_id }) => user_id);

/** Keys of flags by user: one call each. */
const CALLS: [ExperimentUser, string[] | undefined][] = [
  ...USERS.map((user): [ExperimentUser, undefined] => [user, undefined]),
  ...USERS.map((user): [ExperimentUser, string[]] => [user, ["ünï 🜁", "z-last"]]),
  ...USERS.map((user): [ExperimentUser, undefined] => [user, undefined]),
];

test("events are those of Amplitude's Node SDK", async () => {
  const bootstrap = Object.fromEntries(FLAGS.map((flag) => [flag.key, flag]));
  const them = new theirs.LocalEvaluationClient("", {
    bootstrap,
    ...configsOf("theirs"),
  } as never);
  for (const [user, flagKeys] of CALLS) {
    them.evaluateV2(structuredClone(user) as never, flagKeys, { tracksExposure: true });
  }
  const { url, service } = await runService({ flags: FLAGS, ...configsOf("ours") });
  for (const [at, [user, flagKeys]] of CALLS.entries()) {
    const keys: Record<string, string> = flagKeys
      ? { "X-Amp-Exp-Flag-Keys": header(flagKeys) }
      : {};
    const headers = { ...EXPOSED, ...keys };
    const get: Asked = { headers: { ...headers, "X-Amp-Exp-User": header(user) } };
    const post: Asked = { method: "POST", headers, body: JSON.stringify(user) };
    expect((await ask(url + PATH, at % 2 ? get : post)).status).toBe(200);
  }
  await service.stop();
  for (const kind of ["assignment", "exposure"]) {
    const ours = () => textsOf(`ours ${kind}`);
    await until(() => textsOf(`theirs ${kind}`).length >= ours().length);
    expect(ours()).toEqual(textsOf(`theirs ${kind}`));
    expect(ours().length).toBeGreaterThan(80);
    const uploads = server.uploads.filter(({ apiKey }) => apiKey === `ours ${kind}`);
    expect(uploads.length).toBeLessThan(ours().length / 2);
    for (const { method, path, headers, events } of uploads) {
      expect([method, path, headers["content-type"]]).toEqual([
        "POST",
        "/2/httpapi",
        "application/json",
      ]);
      expect(events.length).toBeLessThanOrEqual(QUEUE);
    }
  }
  expect(server.eventsOf("ours exposure").find(({ user_id }) => user_id === "g")).toMatchObject({
    event_type: "[Experiment] Exposure",
    event_properties: { "[Experiment] Flag Key": "10", "[Experiment] Variant": expect.anything() },
    groups: { "org id": ["acme", "b"] },
    insert_id: expect.stringMatching(/^g undefined -?\d+ \d+$/),
  });
  expect(server.eventsOf("ours assignment").find(({ user_id }) => user_id === "u")).toMatchObject({
    event_type: "[Experiment] Assignment",
    event_properties: { "z-last.variant": "on" },
    user_properties: { $set: { "[Experiment] z-last": "on" } },
  });
});

describe("what is tracked", () => {
  test.each<[string, Record<string, string>, string[]]>([
    ["nothing said", {}, ["assignment"]],
    ["track", { "X-Amp-Exp-Track": "track" }, ["assignment"]],
    ["no-track", { "X-Amp-Exp-Track": "no-track" }, []],
    ["read-only", { "X-Amp-Exp-Track": "read-only" }, []],
    ["exposures", EXPOSED, ["assignment", "exposure"]],
    ["both", { "X-Amp-Exp-Track": "track", ...EXPOSED }, ["assignment", "exposure"]],
    ["exposures alone", { "X-Amp-Exp-Track": "no-track", ...EXPOSED }, ["exposure"]],
    ["no exposures", { "X-Amp-Exp-Exposure-Track": "no-track" }, ["assignment"]],
  ])("%s", async (name, headers, kinds) => {
    const { url, service } = await runService({ flags: FLAGS, ...configsOf(name) });
    const body = JSON.stringify({ user_id: "u", plan: "pro" });
    for (const path of [PATH, `${PATH}?eval_mode=remote`, "/v1/vardata", "/sdk/vardata"]) {
      for (let time = 0; time < 2; time++) {
        await ask(url + path, { method: "POST", headers, body });
      }
    }
    await service.stop();
    const events = (kind: string) => server.eventsOf(`${name} ${kind}`).length;
    // One flag is not tracked; each of the others once, however often the user is evaluated.
    expect(events("exposure")).toBe(kinds.includes("exposure") ? FLAGS.length - 1 : 0);
    expect(events("assignment")).toBe(kinds.includes("assignment") ? 1 : 0);
  });

  test("by Amplitude's remote client, which says so in its options", async () => {
    const keys = { keys: ["key"] };
    const { url, service } = await runService({ flags: FLAGS, ...keys, ...configsOf("remote") });
    const client = new theirs.RemoteEvaluationClient("key", { serverUrl: url });
    await client.fetchV2({ user_id: "nothing said" });
    await client.fetchV2({ user_id: "neither" }, { tracksAssignment: false });
    await client.fetchV2({ user_id: "both" }, { tracksAssignment: true, tracksExposure: true });
    await client.fetchV2({ user_id: "one" }, { tracksAssignment: false, tracksExposure: true });
    await service.stop();
    expect(idsOf("remote assignment")).toEqual(["nothing said", "both"]);
    expect([...new Set(idsOf("remote exposure"))]).toEqual(["both", "one"]);
  });

  test("only what there is a project for, of each deployment in its own", async () => {
    const [one, two] = [configsOf("one"), configsOf("two")];
    const deployments = [
      { name: "one", flags: FLAGS, keys: ["1"], exposureConfig: one.exposureConfig },
      { name: "two", flags: FLAGS, keys: ["2"], assignmentConfig: two.assignmentConfig },
      { name: "three", flags: FLAGS, keys: ["3"] },
    ];
    const before = server.uploads.length;
    const { url, service } = await runService({ deployments });
    for (const key of ["1", "2", "3", "4"]) {
      const headers = { Authorization: `Api-Key ${key}`, ...EXPOSED };
      await ask(`${url}/v1/vardata?user_id=user-${key}`, { headers });
    }
    await service.stop();
    const uploads = server.uploads.slice(before);
    expect([...new Set(uploads.map(({ apiKey }) => apiKey))].sort()).toEqual([
      "one exposure",
      "two assignment",
    ]);
    const ids = new Set(uploads.flatMap(({ events }) => events.map(({ user_id }) => user_id)));
    expect([...ids].sort()).toEqual(["user-1", "user-2"]);
  });

  test("of a user that Amplitude's Python SDK sends, with null for what is missing", async () => {
    const { url, service } = await runService({ flags: FLAGS, ...configsOf("python") });
    const sent = { user_id: "u", device_id: null, plan: null, groups: null, user_properties: null };
    for (const body of [sent, { user_id: "u" }].map((user) => JSON.stringify(user))) {
      await ask(url + PATH, { method: "POST", headers: EXPOSED, body });
    }
    await service.stop();
    const events = ["assignment", "exposure"].flatMap((kind) => server.eventsOf(`python ${kind}`));
    expect(events).toHaveLength(1 + FLAGS.length - 2);
    for (const { insert_id, device_id } of events) {
      expect(insert_id).toMatch(/^u undefined /);
      expect(device_id).toBeUndefined();
    }
  });

  test("of requests that are answered with variants, and of no others", async () => {
    const { url, service } = await runService({ flags: FLAGS, ...configsOf("others") });
    await ask(`${url}/sdk/v2/flags`, { headers: { "X-Amp-Exp-User": header({ user_id: "u" }) } });
    await ask(url + PATH, { method: "POST", headers: EXPOSED, body: '{"user_id":5' });
    await ask(`${url}${PATH}?flag_keys=unknown`, { method: "POST", body: '{"user_id":"u"}' });
    await service.stop();
    expect(idsOf("others assignment")).toEqual([]);
  });
});

describe("what waits to be uploaded", () => {
  const rarely = { flushIntervalMillis: RARELY, flushQueueSize: 1000 };

  test("is uploaded when the service stops", async () => {
    const configs = configsOf("stop", rarely);
    const { url, service } = await runService({ flags: FLAGS, ...configs });
    for (let at = 0; at < 20; at++) await ask(`${url}/v1/vardata?user_id=user-${at}`);
    expect(idsOf("stop assignment")).toEqual([]);
    await service.stop();
    expect(idsOf("stop assignment")).toEqual(Array.from({ length: 20 }, (_, at) => `user-${at}`));
    expect(server.uploads.filter(({ apiKey }) => apiKey === "stop assignment")).toHaveLength(1);
  });

  test("and is refused then is counted, and said without keys and users", async () => {
    const { url, service, log } = await runService({ flags: FLAGS, ...configsOf("refused") });
    server.answer = (response, { events }) => {
      const isRefused = events.some(({ user_id }) => user_id === "secret-user");
      if (!isRefused) return accept(response, { events } as never);
      response.writeHead(400).end(JSON.stringify({ code: 400, error: "Invalid API key" }));
    };
    try {
      expect((await ask(`${url}/v1/vardata?user_id=secret-user`)).status).toBe(200);
      const droppedIn = async () => {
        const { text } = await ask(`${url}/metrics`);
        return Number(/^halyard_dropped_events\{deployment="default"\} (\d+)$/m.exec(text)?.[1]);
      };
      const [deployment] = service.deployments;
      await until(() => deployment.tracker?.dropped === 1);
      expect(await droppedIn()).toBe(1);
      const errors = log.filter(({ level }) => level === "error");
      expect(errors).toHaveLength(1);
      expect(errors[0].fields).toEqual({ deployment: "default" });
      expect(errors[0].message).toContain("assignmentConfig: events are lost");
      expect(JSON.stringify(log)).not.toMatch(/secret-user|refused assignment/);
      expect((await ask(`${url}/v1/vardata?user_id=another`)).status).toBe(200);
      await until(() => idsOf("refused assignment").includes("another"));
      expect(await droppedIn()).toBe(1);
    } finally {
      server.answer = accept;
    }
  });
});

test("of answers that were not given, as other flags went live, nothing is tracked", async () => {
  const flagsWith = (variant: string) => [flagOf("flag", [{ variant }])];
  const source = new InlineSource(flagsWith("on"));
  let isLate = true;
  const catchUp = () => {
    if (!isLate) return undefined;
    isLate = false;
    source.update(flagsWith("other"));
    return Promise.resolve();
  };
  const late = Object.assign(source, { catchUp });
  const { url, service } = await runService({ source: late, ...configsOf("late") });
  const body = JSON.stringify({ context: { targetingKey: "u" } });
  const answer = await ask(`${url}/ofrep/v1/evaluate/flags`, { method: "POST", body });
  expect(JSON.parse(answer.text).flags).toMatchObject([{ key: "flag", variant: "other" }]);
  await service.stop();
  const [event, ...more] = server.eventsOf("late assignment");
  expect(event.event_properties).toMatchObject({ "flag.variant": "other" });
  expect(more).toEqual([]);
});
