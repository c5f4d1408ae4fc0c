// Who the user is and what is tracked of it, with Amplitude's analytics SDK and without.
import { createRequire } from "node:module";
import * as ours from "halyard/browser";
import { AmplitudeIntegrationPlugin, ExperimentClient, LogLevel } from "halyard/browser";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AnyClient,
  bothSides,
  copy,
  KEY,
  meaningOf,
  Side,
  theirs,
} from "./browser-clients.ts";
import { openPage, settled } from "./browser-page.ts";

const require = createRequire(import.meta.url);
const json = (value: unknown) => ({ status: 200, body: JSON.stringify(value) });
const STORED = JSON.stringify({ a: { key: "on" }, b: { key: "on" } });

/** As a page has it that is loaded anew: nothing in memory. */
function reload(side: Side, config: object = {}): AnyClient {
  side.client = new ExperimentClient(KEY, {
    instanceName: side.instanceName,
    logLevel: LogLevel.Disable,
    exposureTrackingProvider: { track: (exposure) => void side.exposures.push(copy(exposure)) },
    ...config,
  });
  return side.client;
}

afterEach(() => {
  vi.useRealTimers();
  delete (globalThis as AnyClient).analyticsConnectorInstances;
});

describe("an exposure", () => {
  function open() {
    const page = openPage();
    const side = new Side(true);
    side.store(page, "", STORED);
    let isTaken = true;
    const plugin = side.plugin(
      () => ({}),
      () => isTaken,
    );
    const load = (user: object | null) => {
      const client = reload(side);
      client.addPlugin(plugin);
      client.setUser(user);
      return client;
    };
    const take = (value: boolean) => {
      isTaken = value;
    };
    return { page, side, load, take };
  }

  test("is tracked once per session and user, also on the next page", () => {
    const { side, load } = open();
    for (let pages = 0; pages < 3; pages++) {
      const client = load({ user_id: "u1", device_id: "d" });
      for (let calls = 0; calls < 3; calls++) client.variant("a");
    }
    expect([side.exposures.length, side.events.length]).toEqual([1, 1]);
    load({ user_id: "u2", device_id: "d" }).variant("a");
    expect([side.exposures.length, side.events.length]).toEqual([2, 2]);
    load({ user_id: "u2", device_id: "other" }).variant("a");
    expect([side.exposures.length, side.events.length]).toEqual([3, 2]);
  });

  test("is tracked anew in a new session", () => {
    const { page, side, load } = open();
    load({ user_id: "u1" }).variant("a");
    page.sessionStorage!.texts.clear();
    load({ user_id: "u1" }).variant("a");
    expect(side.events).toHaveLength(2);
  });

  test("of each change of a variant is tracked", () => {
    const { side, load, page } = open();
    for (const key of ["on", "off", "off", "on"]) {
      side.store(page, "", JSON.stringify({ a: { key } }));
      load({ user_id: "u" }).variant("a");
    }
    expect(side.exposures.map((it) => (it as AnyClient).variant)).toEqual(["on", "off", "on"]);
  });

  test("to somebody unknown does not forget who was known", () => {
    const { side, load } = open();
    load({ user_id: "u1" }).variant("a");
    for (let pages = 0; pages < 3; pages++) {
      const client = load(null);
      client.variant("a");
      client.setUser({ user_id: "u1" });
      client.variant("a");
    }
    expect([side.exposures.length, side.events.length]).toEqual([2, 2]);
  });

  test("counts for all clients of a name on a page", () => {
    const { side, load } = open();
    const [one, two] = [load({ user_id: "u" }), load({ user_id: "u" })];
    one.variant("a");
    two.variant("b");
    two.variant("a");
    one.variant("b");
    expect(side.events).toHaveLength(2);
  });

  test("that cannot be tracked does no harm", () => {
    const { side, load } = open();
    const fail = () => {
      throw new Error("it is not there");
    };
    const config = { exposureTrackingProvider: { track: fail }, userProvider: { getUser: fail } };
    const client = reload(side, { ...config, analyticsProvider: { track: fail } });
    client.addPlugin({ type: "integration", getUser: fail, track: fail });
    expect(client.variant("a")).toEqual({ key: "on" });
    load({ user_id: "u" }).variant("b");
    expect(side.exposures).toHaveLength(1);
  });

  test("that a provider has thrown at is offered again", () => {
    const { side } = open();
    const tracked: unknown[] = [];
    let isThere = false;
    const track = (exposure: { flag_key: string }) => {
      if (!isThere) throw new Error("it is not there yet");
      tracked.push(exposure.flag_key);
    };
    const config = { exposureTrackingProvider: { track } };
    const client = reload(side, config);
    client.setUser({ user_id: "u" });
    client.variant("a");
    isThere = true;
    client.variant("b");
    client.variant("b");
    expect(tracked).toEqual(["b"]);
    client.variant("a");
    const next = reload(side, config);
    next.setUser({ user_id: "u" });
    for (const key of ["a", "b"]) next.variant(key);
    expect(tracked).toEqual(["b", "a"]);
  });

  test("waits until it is taken, in the background too", async () => {
    const { side, load, take, page } = open();
    vi.useFakeTimers();
    const client = load({ user_id: "u" });
    client.variant("a");
    take(false);
    client.variant("b");
    expect(side.events).toHaveLength(1);
    expect(page.localStorage!.read(`EXP_unsent_${side.instanceName}`)).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3000);
    take(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(side.events).toHaveLength(2);
    expect(page.localStorage!.getItem(`EXP_unsent_${side.instanceName}`)).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits for an integration, the newest 512 of them", () => {
    const { side, page } = open();
    const client = reload(side, { exposureTrackingProvider: undefined });
    const all = Array.from({ length: 600 }, (_, index) => [`f${index}`, { key: "on" }]);
    side.store(page, "", JSON.stringify(Object.fromEntries(all)));
    const full = reload(side, { exposureTrackingProvider: undefined });
    for (const [key] of all) full.variant(key as string);
    expect(page.localStorage!.read(`EXP_unsent_${side.instanceName}`)).toHaveLength(512);
    client.addPlugin(
      side.plugin(
        () => ({}),
        () => true,
      ),
    );
    expect(side.events).toHaveLength(512);
    expect(side.events.at(-1)).toMatchObject({ eventProperties: { flag_key: "f599" } });
  });

  test("that a provider has got is not stored for an integration", () => {
    const { side, page } = open();
    reload(side).variant("a");
    expect(page.localStorage!.getItem(`EXP_unsent_${side.instanceName}`)).toBeNull();
    side.client.addPlugin(
      side.plugin(
        () => ({}),
        () => true,
      ),
    );
    expect(side.events).toHaveLength(1);
  });
});

describe("analytics", () => {
  beforeEach(() => void openPage({ navigator: undefined }));

  test("that comes later is used: @amplitude/analytics-connector", async () => {
    const side = new Side(true);
    side.server.variants = json({ a: { key: "on" } });
    const client = side.open({ automaticFetchOnAmplitudeIdentityChange: true }, KEY, true);
    const starting = client.start();
    await settled();
    expect(side.server.requests.filter(({ url }) => url.includes("vardata"))).toEqual([]);
    const { AnalyticsConnector } = require("@amplitude/analytics-connector");
    const connector = AnalyticsConnector.getInstance(side.instanceName);
    const events: unknown[] = [];
    connector.identityStore.editIdentity().setUserId("u1").setDeviceId("d1").commit();
    await starting;
    client.variant("a");
    connector.eventBridge.setEventReceiver((event: unknown) => events.push(event));
    await vi.waitFor(() => expect(events).toHaveLength(1), { timeout: 5000 });
    expect(events).toEqual([
      { eventType: "$exposure", eventProperties: { flag_key: "a", variant: "on" } },
    ]);
    connector.identityStore
      .editIdentity()
      .updateUserProperties({ $set: { plan: "pro", old: 1 }, $unset: { old: "-" } })
      .commit();
    await settled();
    const users = side.server.requests.flatMap((it) => (meaningOf(it) as AnyClient).user ?? []);
    expect(users.at(-1)).toMatchObject({
      user_id: "u1",
      device_id: "d1",
      user_properties: { plan: "pro" },
    });
    client.stop();
  });

  test("that never comes is waited for no longer than 10 s", async () => {
    vi.useFakeTimers();
    for (const side of bothSides()) {
      void side.open({}, KEY, true).fetch({ user_id: "u" });
      await vi.advanceTimersByTimeAsync(9_990);
      expect(side.server.requests).toHaveLength(0);
      await vi.advanceTimersByTimeAsync(20);
      expect(side.server.requests).toHaveLength(1);
    }
  });

  test("gives the identity of its last visit, from wherever it is kept", () => {
    const key = "0123456789abcdef";
    const state = { deviceId: "d", userId: "ключ" };
    const text = JSON.stringify(state);
    const encoded = Buffer.from(encodeURIComponent(text)).toString("base64");
    const old = `d.${Buffer.from("ключ").toString("base64")}.rest`;
    const places: ((page: ReturnType<typeof openPage>) => void)[] = [
      (page) => (page.document!.cookie = `a=b; AMP_0123456789=${encoded}; c=d`),
      (page) => (page.document!.cookie = `AMP_0123456789=${encodeURIComponent(encoded)}`),
      (page) => (page.document!.cookie = `amp_012345=${old}`),
      (page) => void page.localStorage!.texts.set("AMP_0123456789", text),
      (page) => void page.sessionStorage!.texts.set("AMP_0123456789", text),
    ];
    for (const [index, place] of places.entries()) {
      place(openPage());
      const side = new Side(true);
      side.open({ instanceName: `persisted-${index}` }, key, true);
      const connector = (globalThis as AnyClient).analyticsConnectorInstances[`persisted-${index}`];
      expect(connector.identityStore.getIdentity()).toMatchObject(state);
    }
    for (const cookie of [
      "AMP_0123456789=%",
      "AMP_0123456789=!!",
      "amp_012345=d.!!",
      "AMP_0123456789",
    ]) {
      openPage().document!.cookie = cookie;
      expect(() => new AmplitudeIntegrationPlugin(key, fakeConnector(), 1)).not.toThrow();
    }
  });

  const fakeConnector = () => {
    const { AnalyticsConnector } = require("@amplitude/analytics-connector");
    return AnalyticsConnector.getInstance("fake");
  };
});

test("the providers for amplitude-js do what Amplitude's do", () => {
  const calls = [ours, theirs].map((sdk: AnyClient) => {
    const called: unknown[] = [];
    const noted =
      (name: string) =>
      (...args: unknown[]) =>
        void called.push([name, ...args]);
    const amplitude = {
      options: { deviceId: "d", userId: "u", versionName: "1", language: "de", platform: "Web" },
      _ua: { browser: { name: "Chrome", major: "120" }, os: { name: "Linux" } },
      logEvent: noted("logEvent"),
      setUserProperties: noted("setUserProperties"),
      _logEvent: noted("_logEvent"),
    };
    const provider = new sdk.AmplitudeAnalyticsProvider(amplitude);
    const event = { name: "n", properties: { a: "b" }, userProperty: "p", variant: { value: "v" } };
    for (const method of ["track", "setUserProperty", "unsetUserProperty"]) provider[method](event);
    const users = [amplitude, {}, undefined].map((it) =>
      new sdk.AmplitudeUserProvider(it).getUser(),
    );
    return { called, users };
  });
  expect(calls[0]).toEqual(calls[1]);
});
