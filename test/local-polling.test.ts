// How a local client keeps flags and cohorts as the server has them, and what it tells of it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CohortPoller } from "../src/local/cohort-poller.ts";
import type { CohortSync } from "../src/local/cohort-sync.ts";
import { reset, statusOf } from "./evaluation-server.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import {
  cohortFlag,
  eventsOf,
  flagFor,
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

/** Waits for so many more polls. */
async function pollsMore(lane: FlagLane, count: number): Promise<void> {
  const before = polls(lane);
  await until(() => polls(lane) >= before + count);
}

describe("polling", () => {
  test("dispatches ready once, and update with the keys that changed", async () => {
    const lane = server.lane([flagFor("a"), flagFor("b"), flagFor("c")]);
    const client = ourClient(lane, polling);
    const events = eventsOf(client);
    await client.start();
    lane.flags = [flagFor("a"), flagFor("b", "other"), flagFor("d")];
    await until(() => events.length > 2);
    await pollsMore(lane, 3);
    expect(events.map(({ type }) => type)).toEqual(["ready", "update", "update"]);
    const [first, second] = events.slice(1).map(({ detail }) => detail as { changed: string[] });
    expect(first).toEqual({ changed: ["a", "b", "c"], source: "poll" });
    expect(second.changed.sort()).toEqual(["b", "c", "d"]);
  });

  test.each([true, false])("confirms flags that are as they were (ETag: %j)", async (hasEtag) => {
    const lane = server.lane([flagFor("a")]);
    lane.hasEtag = hasEtag;
    const client = ourClient(lane, polling);
    const events = eventsOf(client);
    await client.start();
    const { confirmedAt } = client.status();
    await until(() => client.status().confirmedAt! > confirmedAt!);
    expect(events.map(({ type }) => type)).toEqual(["ready", "update"]);
    const [first, second] = lane.requestsOf("flags").map(({ headers }) => headers);
    expect(first).not.toHaveProperty("if-none-match");
    expect("if-none-match" in second).toBe(hasEtag);
    lane.flags = [flagFor("b")];
    await until(() => "b" in variantKeys(client));
  });

  test("never asks twice at a time, however slow the server", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, { flagConfigPollingIntervalMillis: 1 });
    await client.start();
    const answers: (() => void)[] = [];
    lane.always.flags = (response) => answers.push(() => response.end("[]"));
    for (let i = 0; i < 5; i++) {
      await until(() => answers.length > i);
      await new Promise((done) => setTimeout(done, 10));
      expect(answers).toHaveLength(i + 1);
      answers[i]();
    }
    expect(lane.atOnceMax).toBe(1);
  });

  test("goes on after failures, with the last flags", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, polling);
    const events = eventsOf(client);
    await client.start();
    lane.once.flags = [statusOf(500), reset, statusOf(401)];
    await until(() => events.filter(({ type }) => type === "error").length === 3);
    expect(variantKeys(client)).toEqual({ a: "on" });
    lane.flags = [flagFor("b")];
    await until(() => "b" in variantKeys(client));
    expect(client.status().lastError).toBeUndefined();
  });

  test("asks ever more rarely while it fails", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, polling);
    await client.start();
    const times: number[] = [];
    lane.always.flags = (response, request) => {
      times.push(performance.now());
      statusOf(500)(response, request);
    };
    await until(() => times.length === 6);
    const gaps = times.slice(1).map((time, i) => time - times[i]);
    for (const [i, factor] of [2, 4, 8, 10, 10].entries()) {
      expect(gaps[i]).toBeGreaterThan(0.85 * factor * OFTEN);
    }
  });

  test("waits for as long as the server asks", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, polling);
    await client.start();
    const times: number[] = [];
    lane.always.flags = (response, request) => {
      times.push(performance.now());
      statusOf(503, { "Retry-After": "1" })(response, request);
    };
    await until(() => times.length === 2);
    expect(times[1] - times[0]).toBeGreaterThan(990);
  });

  test("tells when flags are stale, and when they are not any more", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, polling);
    const events = eventsOf(client);
    await client.start();
    const { confirmedAt } = client.status();
    lane.always.flags = statusOf(500);
    await until(() => client.status().isStale);
    const stale = events.filter(({ type }) => type === "stale");
    expect(stale).toHaveLength(1);
    const { confirmedAt: last } = stale[0].detail as { confirmedAt: number };
    expect(last).toBeGreaterThanOrEqual(confirmedAt!);
    expect(client.status().ageMillis).toBeGreaterThan(0);
    lane.always.flags = undefined;
    await until(() => !client.status().isStale);
  });
});

test("nothing is asked for and nothing dispatched once it is stopped", async () => {
  const lane = server.lane([flagFor("a")]);
  const client = ourClient(lane, polling);
  await client.start();
  await pollsMore(lane, 2);
  await client.stop();
  const events = eventsOf(client);
  const asked = lane.requests.length;
  lane.flags = [flagFor("b")];
  await new Promise((done) => setTimeout(done, 10 * OFTEN));
  expect([events, lane.requests.length]).toEqual([[], asked]);
  expect(client.status().isStale).toBe(false);
});

describe("the cache", () => {
  test("is what is live, and what is put there is live", async () => {
    const lane = server.lane([flagFor("a"), flagFor("b", "on", { metadata: { flagVersion: 2 } })]);
    const client = ourClient(lane);
    await client.start();
    const { cache } = client;
    expect(await cache.getAll()).toEqual(
      Object.fromEntries((lane.flags as { key: string }[]).map((flag) => [flag.key, flag])),
    );
    expect(await cache.get("a")).toEqual(flagFor("a"));
    expect(await cache.get("none")).toBeUndefined();
    expect(client.flagMetadata("b")).toEqual({ flagVersion: 2 });
    expect(client.flagMetadata("none")).toBeUndefined();
    const events = eventsOf(client);
    const put = cache.put("c", flagFor("c"));
    expect(variantKeys(client)).toEqual({ a: "on", b: "on", c: "on" });
    await put;
    await cache.putAll({ a: flagFor("a", "other"), d: flagFor("d") });
    await cache.delete("b");
    expect(variantKeys(client)).toEqual({ a: "other", c: "on", d: "on" });
    expect(Object.keys(await cache.getAll()).sort()).toEqual(["a", "c", "d"]);
    await cache.clear();
    expect(variantKeys(client)).toEqual({});
    expect(await cache.getAll()).toEqual({});
    const changes = events.map(({ detail }) => (detail as { changed: string[] }).changed.sort());
    expect(changes).toEqual([["c"], ["a", "d"], ["b"], ["a", "c", "d"]]);
  });

  test.each([true, false])("gives way to what the server has (ETag: %j)", async (hasEtag) => {
    const lane = server.lane([flagFor("a")]);
    lane.hasEtag = hasEtag;
    const client = ourClient(lane, polling);
    await client.start();
    await client.cache.putAll({ a: flagFor("a", "other"), b: flagFor("b") });
    await until(() => JSON.stringify(variantKeys(client)) === '{"a":"on"}');
    await client.cache.clear();
    await until(() => "a" in variantKeys(client));
  });

  test("has the cohorts downloaded that a flag names", async () => {
    const lane = server.lane([]);
    lane.cohorts = { c1: { groupType: "User", memberIds: ["u"] } };
    const { cohortSyncConfig } = lane.config;
    const client = ourClient(lane, { cohortSyncConfig });
    await client.start();
    await client.cache.put("a", cohortFlag("a", "c1"));
    expect(variantKeys(client, "u")).toEqual({ a: "on" });
    expect(variantKeys(client, "v")).toEqual({ a: "off" });
    await expect(client.cache.put("b", null as never)).resolves.toBeUndefined();
    await expect(client.cache.putAll({ b: 5 as never })).resolves.toBeUndefined();
    expect(variantKeys(client, "u")).toEqual({ a: "on" });
  });
});

describe("cohorts", () => {
  test("are there before the flags that name them, and gone after", async () => {
    const lane = server.lane([cohortFlag("a", "c0")]);
    const { cohortSyncConfig } = lane.config;
    const member = { groupType: "User", memberIds: ["u"] };
    lane.cohorts = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`c${i}`, member]));
    lane.always.cohort = undefined;
    const client = ourClient(lane, { cohortSyncConfig, ...polling });
    await client.start();
    const seen = new Set<string>();
    let isReading = true;
    const read = () => {
      seen.add(JSON.stringify(variantKeys(client)));
      if (isReading) setImmediate(read);
    };
    read();
    for (let i = 1; i < 6; i++) {
      lane.flags = [cohortFlag("a", `c${i}`)];
      await until(
        () =>
          client
            .status()
            .cohorts.map(({ cohortId }) => cohortId)
            .join() === `c${i}`,
      );
      expect(client.status().cohorts).toMatchObject([{ cohortId: `c${i}`, size: 1 }]);
    }
    isReading = false;
    expect([...seen]).toEqual(['{"a":"on"}']);
    expect(lane.requestsOf("cohort")).toHaveLength(6);
  });

  test("that cannot be had keep no flags back", async () => {
    const lane = server.lane([cohortFlag("a", "unknown"), flagFor("b")]);
    const { cohortSyncConfig } = lane.config;
    const client = ourClient(lane, { cohortSyncConfig });
    const events = eventsOf(client);
    await client.start();
    expect(variantKeys(client)).toEqual({ a: "off", b: "on" });
    const [cohort] = client.status().cohorts;
    expect(cohort).toMatchObject({ cohortId: "unknown", error: expect.stringMatching(/404/) });
    const errors = events.filter(({ type }) => type === "error");
    expect(errors).toHaveLength(1);
    expect(String((errors[0].detail as { error: Error }).error)).toMatch(/cohort unknown.*404/);
  });

  test("are asked for again and again, also after an error", async () => {
    const life = new AbortController();
    const answers = [true, new Error("broken"), false];
    const refresh = async () => {
      const answer = answers.shift() ?? false;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const polled: unknown[] = [];
    const poller = new CohortPoller({
      cohorts: { refresh } as unknown as CohortSync,
      intervalMillis: 1,
      onPolled: (isChanged) => polled.push(isChanged),
      onError: (error) => polled.push(error),
    });
    poller.start(life.signal);
    await until(() => polled.length > 3);
    life.abort();
    expect(polled.slice(0, 4)).toEqual([true, new Error("broken"), false, false]);
  });
});
