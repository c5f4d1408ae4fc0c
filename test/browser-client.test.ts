// What the browser client does besides, or other than, Amplitude's; see docs/browser.md.
import { readdirSync, readFileSync } from "node:fs";
import type * as Amplitude from "@amplitude/experiment-js-client";
import {
  Experiment,
  ExperimentClient,
  type ExperimentConfig,
  type ExperimentPlugin,
  type ExperimentUser,
  type ExposureTrackingProvider,
  LogLevel,
  StubExperimentClient,
  type Variants,
} from "halyard/browser";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type AnyClient, flag, KEY, Side } from "./browser-clients.ts";
import { openPage } from "./browser-page.ts";

const json = (value: unknown) => ({ status: 200, body: JSON.stringify(value) });
const ON = { key: "on", value: "on" };
const LOCAL = { evaluationMode: "local" };
const everyone = (key: string) => flag(key, LOCAL, [[]]);

afterEach(() => vi.useRealTimers());

/** Requests of one kind. */
const asked = (side: Side, part: string) =>
  side.server.requests.filter(({ url }) => url.includes(part));

describe("a start", () => {
  test("downloads the flags once, and then at intervals", async () => {
    openPage();
    vi.useFakeTimers();
    const side = new Side(true);
    const client = side.open({ pollOnStart: true, flagConfigPollingIntervalMillis: 1 });
    await Promise.all([client.start({ user_id: "u" }), client.start()]);
    expect(asked(side, "/flags")).toHaveLength(1);
    expect(asked(side, "vardata")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(asked(side, "/flags")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(120_001);
    expect(asked(side, "/flags")).toHaveLength(4);
    client.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked(side, "/flags")).toHaveLength(4);
  });

  test("compiles flags once, however often they come", async () => {
    openPage();
    const warned: string[] = [];
    const side = new Side(true);
    const broken = { ...everyone("broken"), segments: null };
    const log = { warn: (line: string) => void warned.push(line) } as never;
    const config = { logLevel: LogLevel.Warn, loggerProvider: log, fetchOnStart: false };
    const client = side.open(config);
    side.server.flags = json([everyone("local"), broken]);
    for (const _ of [1, 2, 3]) {
      await client.start();
      client.stop();
    }
    expect(client.variant("local").key).toBe("on");
    expect(warned).toHaveLength(1);
    side.server.flags = json([broken]);
    await client.start();
    expect(client.variant("local")).toEqual({});
    expect(warned).toHaveLength(2);
  });

  test("asks again at once, if there were no flags", async () => {
    openPage();
    vi.useFakeTimers();
    const side = new Side(true);
    side.server.flags = { status: 500, body: "" };
    side.server.variants = json({ a: ON });
    const client = side.open({ pollOnStart: true });
    await client.start({ user_id: "u" });
    await vi.advanceTimersByTimeAsync(0);
    expect(client.variant("a")).toEqual(ON);
    expect(asked(side, "/flags")).toHaveLength(2);
    client.stop();
  });

  test("that was stopped does not begin to poll", async () => {
    openPage();
    vi.useFakeTimers();
    const side = new Side(true);
    const client = side.open({ pollOnStart: true });
    const starting = client.start({ user_id: "u" });
    client.stop();
    await starting;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked(side, "/flags")).toHaveLength(1);
  });

  test("that fails says so, and may be repeated", async () => {
    openPage();
    const side = new Side(true);
    side.server.flags = { status: 500, body: "" };
    const client = side.open({ throwOnError: true });
    await expect(client.start({ user_id: "u" })).rejects.toMatchObject({ status: 500 });
    side.server.flags = json([everyone("local")]);
    await client.start({ user_id: "u" });
    expect(client.variant("local").key).toBe("on");
  });

  test("is not needed for flags that come with the page", () => {
    openPage();
    const client = new Side(true).open({
      initialFlags: JSON.stringify([everyone("local")]),
      initialVariants: { local: "meanwhile" } as never,
    });
    expect(client.variant("local").key).toBe("on");
  });
});

test("variants are the caller's own, but for payloads and metadata", async () => {
  openPage();
  const side = new Side(true);
  side.server.variants = json({ a: ON });
  const initialVariants = { b: { value: "b" }, local: { value: "c" } };
  const initialFlags = JSON.stringify([everyone("local")]);
  const client = side.open({ initialVariants, initialFlags });
  await client.fetch({ user_id: "u" });
  const known = ["a", "b", "local"].map((key) => ({ ...client.variant(key) }));
  for (const key of ["a", "b", "local"]) {
    client.variant(key).value = "written";
    client.all()[key].value = "written";
  }
  expect(["a", "b", "local"].map((key) => client.variant(key))).toEqual(known);
  expect(initialVariants.b).toEqual({ value: "b" });
});

test("values that are falsy are values", async () => {
  openPage();
  const side = new Side(true);
  const values = {
    zero: { key: "k", payload: 0 },
    no: { key: "k", payload: false },
    text: { key: "k", value: "", payload: "" },
  };
  side.server.variants = json(values);
  await side.open().fetch({ user_id: "u" });
  expect(side.client.all()).toEqual(values);
  const again = new ExperimentClient(KEY, {
    instanceName: side.instanceName,
    logLevel: LogLevel.Disable,
  });
  expect(again.all()).toEqual(values);
});

test("nothing of the caller's is written to", async () => {
  openPage();
  const freeze = (value: AnyClient): AnyClient => {
    if (typeof value === "object" && value !== null)
      Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  const side = new Side(true);
  side.server.flags = json([everyone("local")]);
  const config = freeze({
    initialVariants: { a: { value: "old", expKey: "e" }, b: "text", c: null, d: 5 },
    initialFlags: "[not json",
    fallbackVariant: { key: "f" },
    httpClient: { request: side.server.request.bind(side.server) },
  });
  const client = side.open(config);
  const user = { user_id: "u", user_properties: { plan: "pro" } as Record<string, unknown> };
  client.setUser(user);
  user.user_properties.plan = "changed";
  expect(client.getUser().user_properties.plan).toBe("pro");
  const groups = freeze({ user_id: "u", groups: { org: ["acme"] }, group_properties: { org: {} } });
  await client.start(groups);
  expect(client.all()).toMatchObject({ a: { key: "old", expKey: "e" }, local: { key: "on" } });
  expect(client.getUser()).toEqual(groups);
});

test("the stub does nothing", async () => {
  const stub = new StubExperimentClient();
  await stub.start();
  expect([stub.variant("a", "b"), stub.all(), stub.getUser(), await stub.fetch()]).toEqual([
    {},
    {},
    {},
    stub,
  ]);
});

test("an empty key gives no variants", async () => {
  const client = Experiment.initialize("", { logLevel: LogLevel.Disable });
  await client.start({ user_id: "u" });
  expect([client.variant("a", "b"), client.all()]).toEqual([{ value: undefined }, {}]);
  client.stop();
});

test("one client for each key and name, and nothing global", () => {
  const first = Experiment.initialize(KEY, { instanceName: "one" });
  expect(Experiment.initialize(KEY, { instanceName: "one" })).toBe(first);
  expect(Experiment.initialize(KEY, { instanceName: "two" })).not.toBe(first);
  expect(globalThis).not.toHaveProperty("analyticsConnectorInstances");
});

test("no module of the client needs Node", () => {
  const folder = new URL("../src/browser/", import.meta.url);
  for (const name of readdirSync(folder)) {
    const source = readFileSync(new URL(name, folder), "utf8");
    expect(source).not.toMatch(/node:|Buffer|process\./);
  }
});

test("its types take the place of Amplitude's", () => {
  const client: Amplitude.Client = new StubExperimentClient();
  const user: ExperimentUser = {} as Amplitude.ExperimentUser;
  const plugin: ExperimentPlugin = {} as Amplitude.IntegrationPlugin;
  const provider: ExposureTrackingProvider = {} as Amplitude.ExposureTrackingProvider;
  const { source: _, ...theirConfig } = {} as Amplitude.ExperimentConfig;
  const config: ExperimentConfig = theirConfig;
  const variants: Amplitude.Variants = {} as Variants;
  expect([client, user, plugin, provider, config, variants]).toHaveLength(6);
});
