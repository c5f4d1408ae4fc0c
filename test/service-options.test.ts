// Options of a service that contradict each other, or cannot be used.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvaluationFlag } from "halyard/engine";
import { createService, InlineSource, type ServiceOptions } from "halyard/service";
import { describe, expect, test } from "vitest";

const flags: EvaluationFlag[] = [];
const upstream = { deploymentKey: "key" };
const redis = { url: "redis://127.0.0.1:1" };

describe("there is no service", () => {
  test.each<[string, ServiceOptions, RegExp]>([
    ["without flags", {}, /deployment default: expected one of flags, upstream and source, got 0/],
    ["with flags of two", { flags, upstream }, /expected one of flags, upstream and source, got 2/],
    ["without deployments", { deployments: [] }, /deployments: expected at least one, got none/],
    [
      "where keys beside deployments would open nothing",
      { keys: ["k"], deployments: [{ flags }] },
      /^keys: expected it of one of the deployments, got it beside them$/,
    ],
    [
      "where flags beside deployments would not be served",
      { flags, deployments: [{ name: "a", flags }] },
      /^flags: expected it of one of the deployments/,
    ],
    ["with cohorts alone", { flags, cohorts: "cohorts" }, /expected cohorts beside files of flags/],
    [
      "where a deployment of several is open",
      {
        deployments: [
          { name: "a", flags },
          { name: "b", flags, keys: ["k"] },
        ],
      },
      /deployment a: expected keys, as there are others, got none/,
    ],
    ["with an empty key", { flags, keys: [""] }, /deployment key: expected a text, got an empty/],
    ["on a Redis for nothing", { flags, redis }, /redis: expected a deployment with an upstream/],
    [
      "on a Redis that is none",
      { upstream, redis: { url: "http://a" } },
      /redis: expected an addr/,
    ],
    [
      "on a Redis whose user, or password, cannot be decoded",
      { upstream, redis: { url: "redis://us%zz:p%qq@a" } },
      /^redis: expected an address redis:\/\/host:port or rediss:\/\/host:port$/,
    ],
  ])("%s", (_, options, message) => {
    expect(() => createService(options)).toThrow(message);
  });

  test.each([
    ["alone", {}],
    ["in a fleet", { redis }],
  ])("with an upstream that cannot be asked, %s", (_, more) => {
    const faults: [object, RegExp][] = [
      [{ deploymentKey: "" }, /deploymentKey: expected a text, got an empty one/],
      [{ deploymentKey: "a\nb" }, /Invalid character in header content/],
      [{ ...upstream, serverUrl: "ftp://a" }, /serverUrl: expected an http or https address/],
      [
        { ...upstream, cohortSyncConfig: { apiKey: "a", secretKey: "" } },
        /cohort keys: expected texts|cohortSyncConfig: expected apiKey and secretKey/,
      ],
    ];
    for (const [fault, message] of faults) {
      const options = { upstream: fault, snapshotPath: "none", ...more } as ServiceOptions;
      expect(() => createService(options)).toThrow(message);
    }
  });
});

test("a limit that is undefined is the default", async () => {
  const service = createService({ flags, limits: { bodyBytes: undefined } });
  await service.start();
  const body = JSON.stringify({ user_id: "u".repeat(2 ** 20) });
  const request = new Request("http://service/sdk/v2/vardata", { method: "POST", body });
  expect((await service.fetch(request)).status).toBe(413);
});

test("a listener that throws is said, and the others are told", () => {
  const source = new InlineSource([]);
  const told: string[] = [];
  const end = source.onChange(() => {
    told.push("first");
    throw new Error("expected by this test");
  });
  source.onChange(() => told.push("second"));
  source.update([]);
  end();
  source.update([]);
  expect(told).toEqual(["first", "second", "second"]);
});

test("an upstream's key opens its deployment, unless keys are named", () => {
  const openedBy = (options: ServiceOptions) => {
    const [deployment] = createService(options).deployments;
    return ["key", "other", undefined].map((key) => deployment.keys.kindOf(key));
  };
  expect(openedBy({ upstream })).toEqual(["server", undefined, undefined]);
  expect(openedBy({ upstream, keys: ["other"] })).toEqual([undefined, "server", undefined]);
  expect(openedBy({ upstream, keys: [] })).toEqual(["server", "server", "server"]);
});

test("the keys for a server that is named go to no other", async () => {
  const asked = new Set<string>();
  const fetch = async (url: string) => {
    asked.add(new URL(url).host);
    const conditions = [[{ selector: ["context", "user", "cohort_ids"], op, values: ["c"] }]];
    const flag = { key: "a", variants: {}, segments: [{ conditions }] };
    return new Response(JSON.stringify([flag]), { status: url.includes("stream") ? 501 : 200 });
  };
  const op = "set contains any";
  const cohortSyncConfig = { apiKey: "a", secretKey: "s" };
  const named = { serverUrl: "http://named.test", streamUpdates: true, cohortSyncConfig, fetch };
  const snapshotPath = mkdtempSync(join(tmpdir(), "halyard-options-"));
  const service = createService({ upstream: { ...upstream, ...named }, snapshotPath });
  await service.start();
  await service.stop();
  rmSync(snapshotPath, { recursive: true });
  expect([...asked]).toEqual(["named.test"]);
});
