// OpenFeature's remote evaluation protocol when something fails; what is counted and tracked.
import { InlineSource } from "halyard/service";
import { describe, expect, test } from "vitest";
import { AnalyticsServer } from "./analytics-server.ts";
import { expectDescribed } from "./ofrep/description.ts";
import { FLAGS } from "./ofrep/flags.ts";
import { OfrepServer } from "./ofrep/server.ts";

describe("the service", () => {
  const log = { debug() {}, info() {}, warn() {}, error() {} } as never;
  const servedWith = (flags: string | undefined) => {
    const source = new InlineSource(FLAGS);
    Object.defineProperty(source, "flags", { get: () => flags });
    return OfrepServer.of(source, { log });
  };

  test("says if it has no flags yet, or fails", async () => {
    const empty = await servedWith(undefined);
    const broken = await servedWith("{");
    for (const path of ["", "/static"]) {
      const early = await empty.post(path, { context: {} });
      expect([early.status, early.body?.errorCode]).toEqual([503, "GENERAL"]);
      expect(early.headers.get("retry-after")).toBe("1");
      const failed = await broken.post(path, { context: {} });
      expect([failed.status, failed.body?.errorCode]).toEqual([500, "GENERAL"]);
      expect(failed.body?.errorDetails).toBe("the service could not answer; its log says why");
    }
    await Promise.all([empty.stop(), broken.stop()]);
  });

  test("answers for the flags that are well-formed", async () => {
    const on = { key: "on" };
    const odd = { key: "odd", variants: { on, none: null } };
    const served = await OfrepServer.start([
      ...[null, 5, { variants: {} }, { key: "broken", variants: null, segments: [null] }],
      { ...odd, segments: [{ conditions: false, bucket: 0, variant: "on", metadata: null }] },
    ]);
    const answer = { key: "odd", reason: "STATIC", variant: "on", value: true };
    expect(await served.all({})).toEqual([answer]);
    expect((await served.one("odd", {})).body).toEqual(answer);
    expect((await served.one("broken", {})).status).not.toBe(500);
    await served.stop();
  });

  test("counts, and tracks as requests say", async () => {
    const analytics = await AnalyticsServer.start();
    const upload = { serverUrl: analytics.url, flushIntervalMillis: 5 };
    const assignmentConfig = { apiKey: "assignments", ...upload };
    const exposureConfig = { apiKey: "exposures", ...upload };
    const served = await OfrepServer.start(FLAGS, { assignmentConfig, exposureConfig });
    const context = { targetingKey: "user", plan: "pro" };
    await served.one("boolean", context, { "X-Amp-Exp-Track": "no-track" });
    await served.one("text", context, { "X-Amp-Exp-Exposure-Track": "track" });
    const metrics = await (await fetch(`${served.url}/metrics`)).text();
    expect(metrics).toContain('halyard_evaluations_total{deployment="default",kind="ofrep"} 2');
    await served.stop();
    const namesOf = (apiKey: string) => JSON.stringify(analytics.eventsOf(apiKey));
    for (const apiKey of ["assignments", "exposures"]) {
      expect(namesOf(apiKey)).toContain("control");
      expect(namesOf(apiKey)).not.toContain("boolean");
    }
    await analytics.stop();
  });
});

test("values are by the rules of the flags that gave the variants", async () => {
  const flag = (variant: object) => [
    { key: "flag", variants: { on: { key: "on", ...variant } }, segments: [{ variant: "on" }] },
  ];
  const source = new InlineSource(flag({ payload: 5 }));
  // As in a memory that another thread writes: what it has written is told a little later.
  let text = JSON.stringify(flag({}));
  Object.defineProperty(source, "flags", { get: () => text });
  const told = async () => {
    text = JSON.stringify(flag({ payload: 5 }));
  };
  const catchUp = () => (text.includes("payload") ? undefined : told());
  const served = await OfrepServer.of(Object.assign(source, { catchUp }), {});
  expect((await served.one("flag", {})).body).toMatchObject({ value: 5 });
  await served.stop();
});

test("the description refuses what it does not describe", () => {
  const path = "/ofrep/v1/evaluate/flags";
  const good = { key: "a", reason: "STATIC", value: 3 };
  const refused: readonly [key: string, status: number, body: unknown][] = [
    ["/a", 200, { ...good, value: null }],
    ["/a", 200, { ...good, value: [] }],
    ["/a", 200, { value: 3 }],
    ["/a", 404, { key: "a" }],
    ["", 200, { flags: [{ ...good, metadata: { list: [] } }] }],
    ["", 200, good],
    ["/a", 400, { key: "a", errorCode: "NO_SUCH_CODE" }],
    ["", 204, undefined],
  ];
  for (const [key, status, body] of refused) {
    expect(() => expectDescribed(path + key, status, body), JSON.stringify(body)).toThrow();
  }
  expectDescribed(`${path}/a`, 200, good);
});
