// Cohorts that cannot be had, or not yet, on real sockets.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { idsOf } from "./cohort-fixture.ts";
import {
  type Answer,
  bodyOf,
  EvaluationServer,
  jsonOf,
  reset,
  silence,
  stalled,
  statusOf,
  truncated,
} from "./evaluation-server.ts";
import { byCohort, cohort, cohortOf } from "./local-lanes.ts";
import { ATTEMPTS, named, SyncClient } from "./sync-client.ts";

let server: EvaluationServer;
beforeAll(async () => {
  server = await EvaluationServer.listen();
});
afterAll(() => server.close());

const SHORT = { answerMillis: 250, silenceMillis: 250 };

type Fault = [name: string, answer: Answer, error: RegExp, requests: number];

const FAULTS: readonly Fault[] = [
  ...[400, 401, 403, 404, 408].map((status): Fault => {
    return [`${status}`, statusOf(status), /got 4/, 1];
  }),
  ["413", statusOf(413), /more than 3 members/, 1],
  ["more members than asked for", cohort(idsOf(4)), /more than 3 members/, 1],
  ["429", statusOf(429, { "Retry-After": "3600" }), /got 429/, ATTEMPTS],
  ["500", statusOf(500), /got 500/, ATTEMPTS],
  ["503", statusOf(503, { "Retry-After": "0" }), /got 503/, ATTEMPTS],
  ["a redirection", statusOf(302, { Location: "/" }), /got 302/, ATTEMPTS],
  ["reset", reset, /fetch failed/, ATTEMPTS],
  ["silence", silence, /within 250 ms/, ATTEMPTS],
  ["a body that stops coming", stalled, /no bytes for 250 ms/, ATTEMPTS],
  ["a truncated body", truncated(200), /terminated/, ATTEMPTS],
  ["half of the JSON", bodyOf(JSON.stringify(cohortOf(["x"])).slice(0, -3)), /a part/, ATTEMPTS],
  ["an empty body", bodyOf(""), /a part/, ATTEMPTS],
  ["HTML", bodyOf("<!doctype html>", "text/html"), /expected JSON/, ATTEMPTS],
  ["JSON: null", jsonOf(null), /expected a groupType/, ATTEMPTS],
  ["JSON: a list", jsonOf(["x"]), /expected a groupType/, ATTEMPTS],
  ["JSON: an error", jsonOf({ error: "no", groupType: "User" }), /expected memberIds/, ATTEMPTS],
  ["no groupType", jsonOf({ memberIds: ["x"] }), /expected a groupType/, ATTEMPTS],
  ["an empty groupType", cohort(["x"], { groupType: "" }), /expected a groupType/, ATTEMPTS],
  ["a member that is a number", cohort(["x", 5]), /a list of texts/, ATTEMPTS],
  ["a member that is a list", cohort(["x", ["y"]]), /a list of texts/, ATTEMPTS],
  ["members by name", jsonOf({ groupType: "User", memberIds: { a: "x" } }), /a list/, ATTEMPTS],
  ["nobody, of some", cohort([], { size: 7 }), /expected memberIds/, ATTEMPTS],
];

describe("a failure", () => {
  test.each(FAULTS)("%s", async (_, answer, error, requests) => {
    const timeouts = answer === silence || answer === stalled ? SHORT : undefined;
    const setup = { maxCohortSize: 3, timeouts };
    const before = server.lane(answer);
    const never = new SyncClient(before, setup);
    await never.prepare();
    expect(before.requests).toHaveLength(requests);
    expect(never.sync.states).toMatchObject([{ size: undefined }]);
    expect(never.sync.states[0].error).toMatch(error);
    expect(never.errors).toHaveLength(1);

    const after = server.lane(cohort(["a"]), ...Array(requests).fill(answer), cohort(["b"]));
    const client = new SyncClient(after, setup);
    await client.prepare();
    expect(await client.refresh()).toBe(false);
    expect(after.requests).toHaveLength(1 + requests);
    expect(client.isIn("a", "x")).toEqual([true, false]);
    expect(client.sync.states).toMatchObject([{ size: 1, lastModified: 1_700_000_000_000 }]);
    expect(client.sync.states[0].error).toMatch(error);
    expect(await client.refresh()).toBe(true);
    expect(client.isIn("a", "b")).toEqual([false, true]);
    expect(client.sync.states[0].error).toBeUndefined();
  });

  test("is not repeated with each release of flags, but with the next poll", async () => {
    const lane = server.lane(statusOf(404), cohort(["a"]));
    const client = new SyncClient(lane);
    await client.prepare();
    await client.prepare();
    expect(lane.requests).toHaveLength(1);
    await client.refresh();
    expect(client.isIn("a")).toEqual([true]);
  });

  test("of the last run does not count in the next one", async () => {
    const lane = server.lane(statusOf(404), cohort(["a"]));
    const client = new SyncClient(lane);
    await client.prepare();
    client.life.abort();
    await client.sync.prepare(named("c"), new AbortController().signal);
    expect(client.isIn("a")).toEqual([true]);
  });

  test("is logged as an error once", async () => {
    const client = new SyncClient(server.lane(statusOf(404)));
    await client.prepare();
    await client.refresh();
    const levels = client.lines.all.map((line) => line.split(" ")[0]);
    expect(levels).toEqual(["error", "debug"]);
    expect(client.lines.all.join()).not.toContain("sécret");
  });

  test("204 for a cohort that is not there", async () => {
    const lane = server.lane(statusOf(204), cohort(["a"]));
    const client = new SyncClient(lane);
    await client.prepare();
    expect(client.isIn("a")).toEqual([true]);
  });
});

describe("202", () => {
  test("for a while", async () => {
    const pending = Array(6).fill(statusOf(202, { "Retry-After": "1" }));
    const lane = server.lane(...pending, cohort(["a"]));
    const client = new SyncClient(lane, { patience: { pendingMillis: 60_000 } });
    await client.prepare();
    expect(client.isIn("a")).toEqual([true]);
    expect(lane.requests).toHaveLength(7);
  });

  test("for ever: until the next poll", async () => {
    const lane = server.lane(statusOf(202));
    const client = new SyncClient(lane);
    await client.prepare();
    const { length } = lane.requests;
    expect(length).toBeGreaterThan(ATTEMPTS);
    expect(client.sync.states).toMatchObject([{ error: "cohort c is being prepared" }]);
    await client.prepare();
    expect(lane.requests).toHaveLength(length);
    await client.refresh();
    expect(lane.requests.length).toBeGreaterThan(length);
  });

  test("between failures, of which there may be two", async () => {
    const [pending, failed] = [statusOf(202), statusOf(500)];
    const patience = { pendingMillis: 60_000 };
    const good = server.lane(pending, failed, pending, failed, pending, cohort(["a"]));
    const bad = server.lane(pending, failed, pending, failed, pending, failed, cohort(["a"]));
    const [first, second] = [good, bad].map((lane) => new SyncClient(lane, { patience }));
    await Promise.all([first.prepare(), second.prepare()]);
    expect(first.isIn("a")).toEqual([true]);
    expect(second.sync.states[0].error).toMatch(/got 500/);
    expect(bad.requests).toHaveLength(6);
  });

  test("does not keep others waiting", async () => {
    const ids = ["1", "2", "3", "4", "5", "c"];
    const answers = Object.fromEntries(ids.map((id) => [id, [statusOf(202)]]));
    const lane = server.lane(byCohort({ ...answers, c: [cohort(["a"])] }));
    const client = new SyncClient(lane, {
      patience: { pendingMillis: 60_000, retryMaxMillis: 1e6 },
    });
    const prepared = client.prepare(named(...ids));
    await vi.waitFor(() => expect(client.isIn("a")).toEqual([true]));
    client.life.abort();
    await prepared;
  });
});
