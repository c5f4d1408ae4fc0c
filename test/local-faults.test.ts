// What callers of the local client see when flags cannot be had, on real sockets.
import type { EvaluationFlag, LocalEvaluationConfig } from "halyard";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type Answer,
  bodyOf,
  jsonOf,
  type Lane,
  reset,
  silence,
  stalled,
  statusOf,
  truncated,
} from "./evaluation-server.ts";
import { configOf, versioned } from "./local-lanes.ts";
import { LocalSetup, v1, v2 } from "./local-setup.ts";

let local: LocalSetup;
beforeAll(async () => {
  local = await LocalSetup.begin();
});
afterAll(() => local.end());

interface Fault {
  name: string;
  answer: Answer;
  /** What `start()` rejects with, and what the `error` event and `status().lastError` tell. */
  error: RegExp;
  config?: LocalEvaluationConfig;
}

const SHORT = { flagConfigPollerRequestTimeoutMillis: 300 };

const FAULTS: readonly Fault[] = [
  { name: "a slow server", answer: silence, error: /TimeoutError/, config: SHORT },
  { name: "a body that stops coming", answer: stalled, error: /TimeoutError/, config: SHORT },
  { name: "a truncated body", answer: truncated(200), error: /terminated/ },
  { name: "reset", answer: reset, error: /fetch failed/ },
  { name: "500", answer: statusOf(500), error: /got 500/ },
  { name: "429", answer: statusOf(429, { "Retry-After": "0.05" }), error: /got 429/ },
  { name: "401", answer: statusOf(401), error: /got 401/ },
  { name: "half of the JSON", answer: bodyOf('[{"key":"flag"'), error: /JSON|flags: expected/ },
  { name: "HTML", answer: bodyOf("<!doctype html>", "text/html"), error: /JSON|flags: expected/ },
  { name: "an empty body", answer: bodyOf(""), error: /JSON|flags: expected/ },
  { name: "JSON: an object", answer: jsonOf({ error: "no" }), error: /flags: expected/ },
  { name: "JSON: null", answer: jsonOf(null), error: /flags: expected/ },
  { name: "JSON: no flags", answer: jsonOf([{ error: "no" }]), error: /flags: expected/ },
];

describe("flags", () => {
  async function atTheStart({ answer, error, config }: Fault): Promise<void> {
    const { client, told } = local.clientOf({ ...configOf(local.lane(answer)), ...config });
    const failure = await client.start().catch((reason) => `${reason?.name}: ${reason?.message}`);
    expect(failure).toMatch(error);
    expect(client.evaluateV2({ user_id: "u" })).toEqual({});
    expect(client.status()).toMatchObject({ isStarted: false, flagCount: 0, source: undefined });
    expect(client.status().lastError).toMatch(error);
    expect(told).toContain("error");
    expect(told).not.toContain("ready");
  }

  async function withSnapshot({ answer, error, config }: Fault): Promise<void> {
    const snapshotPath = await local.snapshot();
    let now = answer;
    const lane = local.lane((response, request) => now(response, request));
    const { client, told, version } = local.clientOf({
      ...configOf(lane),
      ...config,
      snapshotPath,
    });
    await client.start();
    expect(version()).toBe("v1");
    expect(client.status()).toMatchObject({ isStarted: true, source: "snapshot" });
    await vi.waitFor(() => expect(client.status().lastError).toMatch(error), 20_000);
    expect(told).toEqual(expect.arrayContaining(["error", "stale"]));
    expect(version()).toBe("v1");
    now = v2;
    await vi.waitFor(() => expect(version()).toBe("v2"), 20_000);
    expect(client.status()).toMatchObject({ isStale: false, source: "poll" });
    expect(client.status().lastError).toBeUndefined();
    expect(told).toEqual(expect.arrayContaining(["ready", "update"]));
  }

  async function later({ answer, error, config }: Fault): Promise<void> {
    let now = v1;
    const lane = local.lane((response, request) => now(response, request));
    const { client, told, version } = local.clientOf({ ...configOf(lane), ...config });
    await client.start();
    now = answer;
    await vi.waitFor(() => expect(client.status().lastError).toMatch(error), 20_000);
    expect(version()).toBe("v1");
    expect(client.status().source).toBe("poll");
    expect(told).toContain("error");
    now = v2;
    await vi.waitFor(() => expect(version()).toBe("v2"), 20_000);
    expect(client.status().lastError).toBeUndefined();
    expect(told.filter((name) => name === "ready")).toHaveLength(1);
  }

  // All of them mostly wait: they run at once, and each has its test.
  const runs = new Map<(fault: Fault) => Promise<void>, Map<string, Promise<void>>>();
  beforeAll(() => {
    for (const run of [atTheStart, withSnapshot, later]) {
      const byName = new Map(FAULTS.map((fault) => [fault.name, run(fault)]));
      for (const end of byName.values()) end.catch(() => {});
      runs.set(run, byName);
    }
  });

  test.each(FAULTS)("at the start, without a snapshot, $name: start() rejects", ({ name }) => {
    return runs.get(atTheStart)!.get(name);
  });

  test.each(FAULTS)("at the start, with a snapshot, $name: that goes on", ({ name }) => {
    return runs.get(withSnapshot)!.get(name);
  });

  test.each(FAULTS)("later, $name: the last good ones go on", ({ name }) => {
    return runs.get(later)!.get(name);
  });

  test.concurrent("a server that is not there, without a snapshot", async () => {
    const { client } = local.clientOf(configOf(await local.goneLane()));
    await expect(client.start()).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });

  test.concurrent("a server that is not there, with a snapshot", async () => {
    const snapshotPath = await local.snapshot();
    const { client, version } = local.clientOf({
      ...configOf(await local.goneLane()),
      snapshotPath,
    });
    await client.start();
    expect([version(), client.status().source]).toEqual(["v1", "snapshot"]);
  });

  test.concurrent("a server that is not there, with flags to begin with", async () => {
    const bootstrap = { flag: versioned("v1") };
    const { client, version } = local.clientOf({ ...configOf(await local.goneLane()), bootstrap });
    await client.start().catch(() => {});
    expect([version(), client.status().source]).toEqual(["v1", "bootstrap"]);
  });

  test("429 with Retry-After: no poll before", async () => {
    const lane = local.lane(v1, statusOf(429, { "Retry-After": "3600" }), v2);
    const { client, version } = local.clientOf(configOf(lane));
    await client.start();
    await vi.waitFor(() => expect(client.status().lastError).toMatch(/429/));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([version(), lane.requests.length]).toEqual(["v1", 2]);
  });

  test("one flag among others that is none", async () => {
    const flags = [versioned("v1"), { key: 5 }, null, { key: "broken", segments: "none" }];
    const { client, version } = local.clientOf(configOf(local.lane(jsonOf(flags))));
    await client.start();
    expect([version(), client.status().flagCount]).toEqual(["v1", 1]);
  });
});

describe("the stream", () => {
  const event = (flags: readonly EvaluationFlag[]) => `data: ${JSON.stringify(flags)}\n\n`;

  function streaming(flags: Lane, stream: Lane): LocalEvaluationConfig {
    const timeout = { streamFlagConnTimeoutMillis: 200 };
    return { ...configOf(flags), streamUpdates: true, streamServerUrl: stream.url, ...timeout };
  }

  const then =
    (text: string, end: Answer): Answer =>
    (response, request) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(text, () => setTimeout(() => end(response, request), 50));
    };

  test.each([
    ["is reset", reset],
    ["ends", (response) => void response.end()],
    ["ends within an event", (response) => void response.end('data: [{"key"')],
    ["sends something else", (response) => void response.write("data: <html>\n\n")],
  ] satisfies [string, Answer][])("%s: polls go on", async (_, end) => {
    const stream = local.lane(then(event([versioned("v1")]), end));
    const { client, told, version } = local.clientOf(streaming(local.lane(v2), stream));
    await client.start();
    expect([version(), client.status().source]).toEqual(["v1", "stream"]);
    await vi.waitFor(() => expect(version()).toBe("v2"), 10_000);
    expect(client.status().source).toBe("poll");
    expect(told).toContain("ready");
  });

  test.each([
    ["is silent", silence],
    ["is silent but for its signs of life", then("data:  \n\n", () => {})],
    ["answers 500", statusOf(500)],
    ["answers 501", statusOf(501)],
    ["is reset", reset],
    ["is a page", bodyOf("<!doctype html>", "text/html")],
  ] satisfies [string, Answer][])("%s from the start: flags are polled", async (_, answer) => {
    const lanes = [local.lane(v2), local.lane(answer)] as const;
    const { client, version } = local.clientOf(streaming(...lanes));
    await client.start();
    expect([version(), client.status().source]).toEqual(["v2", "poll"]);
  });

  test("and the polls fail, with a snapshot: that goes on", async () => {
    const snapshotPath = await local.snapshot();
    const lanes = [local.lane(reset), local.lane(reset)] as const;
    const { client, version } = local.clientOf({ ...streaming(...lanes), snapshotPath });
    await client.start();
    expect([version(), client.status().source]).toEqual(["v1", "snapshot"]);
  });
});

describe("a clock that jumps", () => {
  test.each([-1, 1])("by %i year: polls go on, nothing throws", async (direction) => {
    const now = Date.now.bind(Date);
    let jump = 0;
    const clock = vi.spyOn(Date, "now").mockImplementation(() => now() + jump);
    onTestFinished(() => clock.mockRestore());
    const lane = local.lane(v1, v1, v2);
    const { client, version } = local.clientOf(configOf(lane));
    await client.start();
    jump = direction * 365 * 86_400_000;
    expect(version()).toBe("v1");
    const { ageMillis } = client.status();
    expect(Number.isFinite(ageMillis)).toBe(true);
    await vi.waitFor(() => expect(version()).toBe("v2"), 10_000);
    expect(client.status()).toMatchObject({ isStale: false, lastError: undefined });
  });
});
