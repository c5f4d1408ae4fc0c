// What the service answers to the requests of its page.
import { type EvaluationFlag, toContext } from "halyard/engine";
import { createService, InlineSource, type ServiceOptions } from "halyard/service";
import { describe, expect, test } from "vitest";
import { evaluateWithOracle } from "./oracle.ts";
import { exampleFlags, exampleUsers } from "./page-browser.ts";

const SCRIPT = "/page/service/page/page.js";

type Ask = (path: string, request?: RequestInit) => Promise<Response>;

async function serviceOf(options: ServiceOptions): Promise<Ask> {
  const service = createService(options);
  await service.start();
  return async (path, request) => service.fetch(new Request(`http://service${path}`, request));
}

const withKey = (key: string) => ({ headers: { Authorization: `Api-Key ${key}` } });

test("the page is there unless there are keys, and if it is asked for", async () => {
  const statuses = async (options: ServiceOptions) => {
    const ask = await serviceOf(options);
    const paths = ["/", SCRIPT, "/page/service/page/page.css", "/page/sdk/json-fault.js"];
    return Promise.all(paths.map(async (path) => (await ask(path)).status));
  };
  const found = [200, 200, 200, 200];
  const missing = [404, 404, 404, 404];
  const [flags, keys] = [exampleFlags, ["server-key"]];
  expect(await statuses({ flags })).toEqual(found);
  expect(await statuses({ flags, keys })).toEqual(missing);
  expect(await statuses({ flags, keys, ui: true })).toEqual(found);
  expect(await statuses({ flags, ui: false })).toEqual(missing);
  const off = await serviceOf({ flags, ui: false });
  expect(await (await off("/")).text()).toBe(await (await off("/unknown")).text());
});

test("files are kept by browsers as long as they are the same, and run nothing else", async () => {
  const ask = await serviceOf({ flags: exampleFlags });
  const page = await ask("/");
  const text = await page.text();
  const linked = [...text.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  expect(linked).toHaveLength(5);
  for (const path of ["/", ...linked]) {
    const { status, headers } = await ask(path);
    expect([path, status]).toEqual([path, 200]);
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    const policy = headers.get("content-security-policy");
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).not.toContain("unsafe");
    const again = await ask(path, { headers: { "If-None-Match": headers.get("etag")! } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  }
  // No map of sources, which are not served.
  expect(await (await ask(SCRIPT)).text()).not.toContain("sourceMappingURL");
});

test("/page/flags says what is live", async () => {
  const source = new InlineSource(exampleFlags);
  const ask = await serviceOf({ source });
  const answer = await ask("/page/flags");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("access-control-allow-origin")).toBe(null);
  const overview = await answer.json();
  expect(overview).toMatchObject({
    deployment: "default",
    status: "ready",
    source: { kind: "inline", place: "given flags" },
    digest: source.engine.digest,
    cohorts: [],
  });
  expect(overview.ageMillis).toBeGreaterThanOrEqual(0);
  expect(overview.flags).toHaveLength(exampleFlags.length);
  expect(overview.flags[2]).toEqual({
    key: "checkout-redesign",
    isLive: true,
    type: "experiment",
    version: "12",
    evaluationMode: "local",
    isDeployed: true,
    variants: ["off", "control", "treatment"],
    segments: ["individual-inclusions", "flag-dependencies", "Buyers", "All Other Users"],
    dependencies: ["pricing-holdout-2025"],
  });
  const known = `/page/flags?${new URLSearchParams({ known: overview.revision })}`;
  expect(await (await ask(known)).json()).not.toHaveProperty("flags");
  source.update(exampleFlags.slice(0, 1));
  expect((await (await ask(known)).json()).flags).toHaveLength(1);
});

test("/page/flags takes nothing for granted in a flag", async () => {
  const odd = [
    { key: "a", metadata: null, variants: null, segments: "x", dependencies: {} },
    { key: "b", metadata: { flagType: {}, deployed: false }, segments: [null, { metadata: 7 }] },
    { key: "b", segments: [], variants: {}, dependencies: [7, "a"] },
    { variants: {} },
    null,
    7,
  ] as unknown as EvaluationFlag[];
  const ask = await serviceOf({ flags: odd });
  const { flags } = await (await ask("/page/flags")).json();
  expect(flags.map((flag: EvaluationFlag) => flag.key)).toEqual(["a", "b"]);
  expect(flags[0]).toMatchObject({ isLive: false, variants: [], segments: [], dependencies: [] });
});

test("/page/evaluate explains every flag, as the reference engine answers", async () => {
  const ask = await serviceOf({ flags: exampleFlags });
  for (const user of exampleUsers) {
    const request = { method: "POST", body: JSON.stringify(user) };
    const { explanations } = await (await ask("/page/evaluate", request)).json();
    const expected = evaluateWithOracle(exampleFlags, toContext(user));
    for (const { flagKey, variant, segments, segmentIndex } of explanations) {
      expect(variant).toEqual(expected[flagKey]);
      expect(segments[segmentIndex]?.chosen ?? false).toBe(variant !== undefined);
    }
    expect(explanations).toHaveLength(exampleFlags.length);
  }
});

describe("of several deployments", () => {
  const deployments = [
    { name: "one", flags: exampleFlags.slice(0, 1), keys: ["server-1", "client-1"] },
    { name: "two", flags: exampleFlags.slice(0, 2), keys: ["server-2"] },
  ];

  test("the key selects one; a client key may not see definitions", async () => {
    const ask = await serviceOf({ deployments, ui: true });
    const named = async (key: string) => (await ask("/page/flags", withKey(key))).json();
    expect(await named("server-1")).toMatchObject({ deployment: "one" });
    expect((await named("server-2")).flags).toHaveLength(2);
    for (const path of ["/page/flags", "/page/evaluate"]) {
      const method = path.endsWith("flags") ? "GET" : "POST";
      expect((await ask(path, { method })).status).toBe(401);
      const refused = await ask(path, { method, ...withKey("client-1") });
      expect(refused.status).toBe(403);
      expect((await refused.json()).error.code).toBe("forbidden");
    }
  });

  test("a user that is none is refused", async () => {
    const ask = await serviceOf({ deployments, ui: true });
    for (const body of ["{", "[]", "7", ""]) {
      const request = { method: "POST", body, ...withKey("server-1") };
      const refused = await ask("/page/evaluate", request);
      expect(refused.status).toBe(400);
      expect((await refused.json()).error.code).toBe("invalid-user");
    }
  });
});
