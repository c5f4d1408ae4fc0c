// One page, run with Amplitude's client and with ours, in a real browser: what it asks for, what it
// is answered and what it tracks is the same, but for what docs/browser.md lists.
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  LANES,
  type Lane,
  newGate,
  PageServer,
  SHOWN,
  type Visit,
  type Visited,
  visitBoth,
} from "./browser-visit.ts";
import { eventually } from "./eventually.ts";
import { withChromium } from "./page-browser.ts";

// Only then does Chromium keep the pages that one has gone away from.
const browser = withChromium({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });

let server: PageServer;
beforeAll(async () => {
  server = await PageServer.start();
});
afterAll(() => server.stop());

const FLAGS = "/sdk/v2/flags";
const VARIANTS = "/sdk/v2/vardata";
const START = `await client.start({ user_id: "u1", user_properties: { plan: "a" } });`;
/** The default of `flagConfigPollingIntervalMillis`, and of `fetchTimeoutMillis`. */
const POLLING_MILLIS = 300_000;
const TIMEOUT_MILLIS = 10_000;
const FIRST_RETRY_MILLIS = 500;

const visits = (scenario: (visit: Visit) => Promise<unknown>) =>
  visitBoth(browser(), server, scenario);

/** Both have done the same, where the scenario has no listed difference. */
function expectSame({ ours, theirs }: Record<Lane, Visited>, ...names: (keyof Visited)[]): void {
  for (const name of names) expect(ours[name], name).toEqual(theirs[name]);
}

const flagKeysOf = (exposures: readonly unknown[]) =>
  (exposures as { flag_key: string }[]).map(({ flag_key }) => flag_key);

test("a first visit", async () => {
  const both = await visits(async (visit) => {
    await visit.open("/shop?ref=a,b&ref=c&lang=de");
    await visit.run(`${START} return look();`);
    await visit.run(`await client.fetch(undefined, { flagKeys: ["remote-user"] });`);
    await visit.run(`await client.setTracksAssignment(false);
      const user = { user_id: "u1", groups: { org: ["Ü-1"] }, user_properties: { plan: "b" } };
      await client.fetch(user);
      return [client.getUser(), look(), client.getUserProvider().getUser().landing_url];`);
  });
  expectSame(both, "asked", "exposures", "answers");
  const { ours, theirs } = both;
  expect(ours.asked.map(({ request }) => request)).toEqual([
    `GET ${FLAGS}`,
    ...Array(3).fill(`GET ${VARIANTS}?v=0`),
  ]);
  expect(ours.asked[2].headers).toMatchObject({
    "x-amp-exp-flag-keys": Buffer.from('["remote-user"]').toString("base64url"),
  });
  expect(ours.asked[3].headers).toMatchObject({ "x-amp-exp-track": "no-track" });
  expect(flagKeysOf(ours.exposures)).toEqual(SHOWN);
  // Listed: `library`.
  const libraries = [...ours.libraries, ...theirs.libraries];
  expect(libraries).toEqual(["halyard", "experiment-js-client"]);
});

test("a second visit offline, until there is a network", async () => {
  const both = await visits(async (visit) => {
    await visit.open("/shop");
    await visit.run(`${START} return look();`);
    await visit.open("/other");
    await visit.context.setOffline(true);
    await visit.run(`${START} return look();`);
    server.favoured = "u2";
    await visit.context.setOffline(false);
    await visit.run(`await until(() => client.all()["remote-user"].key === "off"); return look();`);
  });
  expectSame(both, "asked", "answers");
  const { ours, theirs } = both;
  // Listed: exposures after a page load. `by-page` is off here, and the fetch changes another one.
  expect(flagKeysOf(theirs.exposures)).toEqual([...SHOWN, ...SHOWN, "remote-user"]);
  expect(flagKeysOf(ours.exposures)).toEqual([...SHOWN, "by-page", "remote-user"]);
  const isNew = (_: unknown, at: number) => at < 4 || at === 6 || at === 8;
  expect(ours.exposures).toEqual(theirs.exposures.filter(isNew));
});

test.each(LANES)("a page that had %s has either client, offline", async (from) => {
  const both = await visits(async (visit) => {
    const { lane } = visit;
    visit.lane = from;
    await visit.open("/shop");
    await visit.run(`${START} return look();`);
    visit.lane = lane;
    await visit.open("/shop", { config: { retryFetchOnFailure: false } });
    await visit.context.setOffline(true);
    await visit.run(`${START} return look();`);
  });
  expectSame(both, "asked", "answers");
  expect(both.ours.answers[1]).toEqual(both.ours.answers[0]);
});

test("flags flip while the page is open", async () => {
  const both = await visits(async (visit) => {
    await visit.page.clock.install();
    await visit.open("/shop", { config: { pollOnStart: true } });
    await visit.run(`${START} return look();`);
    // Listed: `start()` fetches flags twice.
    await visit.until(FLAGS, visit.lane === "ours" ? 1 : 2);
    server.favoured = "u2";
    await visit.page.clock.fastForward(POLLING_MILLIS);
    await visit.run(`await until(() => client.all()["by-user"].key === "off"); return look();`);
    await visit.run("await client.fetch(); return look();");
    server.favoured = "u1";
    await visit.page.clock.fastForward(POLLING_MILLIS);
    await visit.run(`await until(() => client.all()["by-user"].key === "on"); return look();`);
  });
  expectSame(both, "exposures", "answers");
  const { ours, theirs } = both;
  expect(flagKeysOf(ours.exposures)).toEqual([...SHOWN, "by-user", "remote-user", "by-user"]);
  expect(theirs.asked).toEqual([ours.asked[0], ...ours.asked]);
});

test("the user becomes another one, and the first one again", async () => {
  const both = await visits(async (visit) => {
    await visit.open("/shop");
    await visit.run(`${START} return look();`);
    await visit.run(`client.setUser({ user_id: "u2" }); return look();`);
    await visit.run("await client.fetch(); return look();");
    await visit.run(`await client.fetch({ device_id: "d1" }); return look();`);
    await visit.run(`await client.fetch({ user_id: "u1" }); return look();`);
    await visit.run("client.clear(); return look();");
  });
  expectSame(both, "asked", "exposures", "answers");
  expect(both.ours.asked.flatMap(({ user }) => user?.user_id ?? [])).toEqual(["u1", "u2", "u1"]);
});

test("a user without properties, after one who has some", async () => {
  const { ours, theirs } = await visits(async (visit) => {
    await visit.open("/shop");
    await visit.run(START);
    await visit.run(`client.setUser({ user_id: "u2" }); return client.getUser();`);
  });
  // Listed: the user's properties.
  expect(ours.answers).toEqual([{ user_id: "u2" }]);
  expect(theirs.answers).toEqual([{ user_id: "u2", user_properties: {} }]);
});

test("analytics says who the user is, and that it is another one", async () => {
  const both = await visits(async (visit) => {
    const config = { automaticFetchOnAmplitudeIdentityChange: true };
    await visit.open("/shop", { config, make: "initializeWithAmplitudeAnalytics" });
    await visit.run(`
      const connector = sdk.AnalyticsConnector.getInstance("$default_instance");
      const { identityStore, eventBridge } = connector;
      eventBridge.setEventReceiver((event) => exposures.push(event));
      globalThis.identify = (id) =>
        identityStore.editIdentity().setUserId(id).setDeviceId("d1").commit();
      const starting = client.start();
      identify("u1");
      await starting;
      return look();`);
    await visit.until(VARIANTS, 2);
    await visit.run(`identify("u2");
      await until(() => client.all()["remote-user"].key === "off"); return look();`);
  });
  expectSame(both, "asked", "exposures", "answers");
  expect(both.ours.exposures).toHaveLength(2 * SHOWN.length);
});

test("analytics uploads the exposures of two pages", async () => {
  const both = await visits(async (visit) => {
    for (const count of [1, 2]) {
      await visit.open("/shop", { make: "initializeWithAmplitudeAnalytics" });
      await visit.run(`
        const starting = client.start();
        sdk.amplitude.init("analytics-key", "u1", { serverUrl: location.origin + "/2/httpapi",
          deviceId: "d1", autocapture: false, remoteConfig: { fetchRemoteConfig: false } });
        await starting;
        const seen = look();
        sdk.amplitude.track("visit");
        await sdk.amplitude.flush().promise;
        return seen;`);
      const visited = () => server.events.filter(({ event_type }) => event_type === "visit");
      await eventually("a visit", () => visited().length === count);
    }
  });
  expectSame(both, "asked", "answers");
  const [ours, theirs] = [both.ours, both.theirs].map(({ uploaded }) => {
    const exposures = uploaded.filter(({ event_type }) => event_type === "$exposure");
    return exposures.map((it) => [it.user_id, it.device_id, it.event_properties]);
  });
  expect(ours.map(([user, device]) => [user, device])).toEqual(SHOWN.map(() => ["u1", "d1"]));
  // Listed: exposures after a page load.
  expect(theirs).toEqual([...ours, ...ours]);
});

test("a page under a strict policy, without WebAssembly", async () => {
  const both = await visits(async (visit) => {
    server.policy = "script-src 'self'; connect-src 'self'";
    await visit.open("/shop?ref=b");
    await visit.run(`${START} return look();`);
    server.favoured = "u2";
    await visit.run("await client.fetch(); return look();");
  });
  expectSame(both, "asked", "exposures", "answers");
  expect(flagKeysOf(both.ours.exposures)).toEqual([...SHOWN, "remote-user"]);
});

const SHOWN_OR_ERROR = "try { return look()[1]; } catch (error) { return error.name; }";

test("a page whose storage may not be read", async () => {
  const both = await visits(async (visit) => {
    await visit.block(["localStorage", "sessionStorage"]);
    await visit.open("/shop?ref=b");
    await visit.run(`${START} return client.all();`);
    await visit.run(SHOWN_OR_ERROR);
  });
  expectSame(both, "asked");
  const { ours, theirs } = both;
  // Listed: blocked storage. It is in the way of tracking.
  expect(theirs.answers).toEqual([ours.answers[0], "SecurityError"]);
  expect(flagKeysOf(theirs.exposures)).toEqual(SHOWN.slice(0, 1));
  expect(ours.answers[1]).toMatchObject(SHOWN.map(() => ({ key: "on" })));
  expect(flagKeysOf(ours.exposures)).toEqual(SHOWN);
});

test("a page in a sandbox, which has neither storage nor cookies", async () => {
  const { ours, theirs } = await visits(async (visit) => {
    server.policy = "sandbox allow-scripts";
    await visit.open("/shop?ref=b");
    await visit.run(START);
    await visit.run(SHOWN_OR_ERROR);
  });
  const requests = [`GET ${FLAGS}`, `GET ${VARIANTS}?v=0`];
  // Listed: cookies that may not be read. Without them it does not know the user.
  expect(theirs.asked.map(({ request }) => request)).toEqual(requests.slice(0, 1));
  expect([theirs.answers, theirs.exposures]).toEqual([["SecurityError"], []]);
  expect(ours.asked.map(({ request }) => request)).toEqual(requests);
  expect(ours.answers[0]).toMatchObject(SHOWN.map(() => ({ key: "on" })));
  expect(flagKeysOf(ours.exposures)).toEqual(SHOWN);
});

test("a slow network: the first answer is too late, a retry in the background is not", async () => {
  const both = await visits(async (visit) => {
    let release = () => {};
    // Of an answer that has not begun, Chromium's cache would let the second request wait.
    const begun = (output: ReadableStreamDefaultController<Uint8Array>) => {
      output.enqueue(Buffer.from("{"));
      release = () => {
        output.enqueue(Buffer.from("}"));
        output.close();
      };
    };
    const headers = { "Cache-Control": "no-store", "Content-Type": "application/json" };
    const late = () => new Response(new ReadableStream({ start: begun }), { headers });
    const retried = newGate();
    server.fault = ({ url }) => {
      if (!url.includes(VARIANTS)) return undefined;
      return server.countOf(VARIANTS) === 1 ? late() : retried.opened;
    };
    await visit.page.clock.install();
    await visit.open("/shop");
    await visit.run(`globalThis.starting = client.start({ user_id: "u1" });`);
    await visit.until(VARIANTS, 1);
    await visit.run(`await until(() => client.all()["by-user"]); return look();`);
    await visit.page.clock.fastForward(TIMEOUT_MILLIS);
    await visit.run("await starting; return look();");
    await visit.page.clock.fastForward(FIRST_RETRY_MILLIS);
    retried.open();
    await visit.run(`await until(() => client.all()["remote-user"]); return look();`);
    if (visit.lane === "theirs") release();
    else await eventually("the first request is given up", () => server.abortedCount === 1);
    await visit.run("return look();");
  });
  expectSame(both, "asked", "exposures", "answers");
  // Listed: requests that take too long go on.
  expect([both.theirs.abortedCount, both.ours.abortedCount]).toEqual([0, 1]);
});

test("a failing network: 500 for flags and for variants, and then no more", async () => {
  const both = await visits(async (visit) => {
    const failed = () => new Response("no", { status: 500 });
    const retried = newGate();
    await visit.page.clock.install();
    await visit.open("/shop", { config: { pollOnStart: true } });
    server.fault = ({ url }) => {
      const path = url.includes(VARIANTS) ? VARIANTS : FLAGS;
      if (server.countOf(path) === 1) return failed();
      return path === VARIANTS ? retried.opened : undefined;
    };
    await visit.run(`${START} await until(() => client.all()["by-user"]);`);
    await visit.run("return look();");
    await visit.page.clock.fastForward(FIRST_RETRY_MILLIS);
    retried.open();
    await visit.run(`await until(() => client.all()["remote-user"]); return look();`);
  });
  expectSame(both, "asked", "exposures", "answers");
  expect(both.ours.asked).toHaveLength(4);
});

test("the page that one has gone away from, and comes back to", async () => {
  const both = await visits(async (visit) => {
    await visit.open("/shop");
    await visit.run(`${START}
      addEventListener("pageshow", ({ persisted }) => { globalThis.isPersisted = persisted; });
      return look();`);
    server.favoured = "u2";
    await visit.page.goto(`${server.url}/other`);
    await visit.page.goBack({ waitUntil: "commit" });
    await visit.run("await until(() => globalThis.isPersisted); return [isPersisted, look()];");
    await visit.run("await client.fetch(); return look();");
  });
  expectSame(both, "asked", "exposures", "answers");
  expect(flagKeysOf(both.ours.exposures)).toEqual([...SHOWN, "remote-user"]);
});
