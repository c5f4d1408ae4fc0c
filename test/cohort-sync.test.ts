// Cohorts on their way from a server into an engine, on real sockets.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { idsOf, isIn } from "./cohort-fixture.ts";
import { type Answer, EvaluationServer, silence, stalled, statusOf } from "./evaluation-server.ts";
import { cohort, cohortIdOf, cohortOf, held } from "./local-lanes.ts";
import { named, SyncClient } from "./sync-client.ts";

let server: EvaluationServer;
beforeAll(async () => {
  server = await EvaluationServer.listen();
});
afterAll(() => server.close());

test("what is asked, and what comes of it", async () => {
  const id = "ü/ñ 1?";
  const lane = server.lane(cohort(["Zoë", "李", "\ud83d\ude00", "u1"]), statusOf(204));
  const client = new SyncClient(lane, {}, [id]);
  await client.prepare(named(id));
  expect(isIn(client.engine, ["Zoë", "李", "\ud83d\ude00", "u2"], id)).toEqual([
    ...[true, true, true, false],
  ]);
  const size = { groupType: "User", size: 4, lastModified: 1_700_000_000_000 };
  expect(client.sync.states).toEqual([{ cohortId: id, ...size }]);
  expect(await client.refresh()).toBe(false);
  expect(client.sync.states).toEqual([{ cohortId: id, ...size }]);
  const path = `/sdk/v1/cohort/${encodeURIComponent(id)}?maxCohortSize=2147483647`;
  const paths = lane.requests.map((request) => request.path);
  expect(paths).toEqual([path, `${path}&lastModified=1700000000000`]);
  const { authorization } = lane.requests[0].headers;
  expect(authorization).toBe(`Basic ${Buffer.from("key:sécret").toString("base64")}`);
  expect(lane.requests[0].headers["x-amp-exp-library"]).toMatch(/^halyard\//);
});

test("a cohort that is there is not downloaded before flags go live", async () => {
  const lane = server.lane(cohort(["a"]));
  const client = new SyncClient(lane);
  await client.prepare();
  await client.prepare();
  expect(lane.requests).toHaveLength(1);
});

test("replaced at once; shrinks to nobody", async () => {
  const lane = server.lane(cohort(["a"]), cohort(["b"], { lastModified: 2 }), cohort([]));
  const client = new SyncClient(lane);
  await client.prepare();
  expect(client.isIn("a", "b")).toEqual([true, false]);
  expect(await client.refresh()).toBe(true);
  expect(client.isIn("a", "b")).toEqual([false, true]);
  expect(await client.refresh()).toBe(true);
  expect(client.isIn("a", "b")).toEqual([false, false]);
  expect(client.sync.states).toMatchObject([{ size: 0 }]);
  expect(client.sync.states[0].error).toBeUndefined();
});

describe("the type of the members", () => {
  const ids = idsOf(100);

  /** Most of the members come before the type does. */
  function behind(type: string): Answer {
    const { groupType, ...rest } = cohortOf(ids, { groupType: type });
    return held(JSON.stringify({ ...rest, groupType }), () => sleep(20));
  }

  test("may come behind them", async () => {
    const lane = server.lane(behind("User"));
    const client = new SyncClient(lane);
    await client.prepare();
    expect(client.isIn(ids[99], "b")).toEqual([true, false]);
    expect(lane.requests).toHaveLength(1);
  });

  test.each([
    ["in front", cohort(ids, { groupType: "org" }), 1],
    ["behind", behind("org"), 2],
  ])("is not what conditions expect, %s: the server's counts", async (_, answer, requests) => {
    const lane = server.lane(answer);
    const client = new SyncClient(lane);
    await client.prepare();
    expect(client.isIn(ids[0])).toEqual([false]);
    expect(client.engine.cohorts).toMatchObject([{ groupType: "org", size: 100 }]);
    expect(client.sync.states).toMatchObject([{ groupType: "org", size: 100, error: undefined }]);
    expect(lane.requests).toHaveLength(requests);
    expect(client.lines.all.at(-1)).toMatch(/^warn .*conditions expect "User", it is of "org"/);
    await client.refresh();
    expect(lane.requests).toHaveLength(requests + 1);
  });
});

test("four downloads at once, none twice", async () => {
  const ids = idsOf(10, "c");
  let [open, most] = [0, 0];
  const underWay = new Set<string>();
  const twice: string[] = [];
  const slow: Answer = (response, request) => {
    const id = cohortIdOf(request.path);
    if (underWay.has(id)) twice.push(id);
    underWay.add(id);
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      underWay.delete(id);
      cohort(["a"])(response, request);
    }, 10);
  };
  const lane = server.lane(slow);
  const client = new SyncClient(lane);
  await Promise.all([
    client.prepare(named(...ids)),
    client.prepare(named(...ids)),
    client.refresh(),
  ]);
  expect([most, twice, lane.requests.length]).toEqual([4, [], 10]);
});

test("a large body is read as it comes", async () => {
  const ids = idsOf(200_000, "Größe 李");
  const bytes = Buffer.from(JSON.stringify(cohortOf(ids)));
  // Parts of an odd size end within characters.
  const inParts: Answer = (response) => {
    response.writeHead(200);
    let at = 0;
    const send = () => {
      while (at < bytes.length) {
        const isMore = response.write(bytes.subarray(at, (at += 9_973)));
        if (!isMore) return void response.once("drain", send);
      }
      response.end();
    };
    send();
  };
  const client = new SyncClient(server.lane(inParts));
  await client.prepare();
  expect(client.sync.states).toMatchObject([{ size: 200_000, error: undefined }]);
  expect(client.isIn(ids[0], ids[77_777], ids[199_999], "Größe")).toEqual([
    ...[true, true, true, false],
  ]);
});

test("a body without an end is left as soon as it is too large", async () => {
  let isClosed = false;
  const endless: Answer = (response) => {
    response.on("close", () => {
      isClosed = true;
    });
    response.writeHead(200).write('{"groupType":"User","memberIds":["0"');
    const timer = setInterval(() => response.write(`,"${Math.random()}"`), 1);
    response.on("close", () => clearInterval(timer));
  };
  const client = new SyncClient(server.lane(endless), { maxCohortSize: 10 });
  await client.prepare();
  expect(client.sync.states[0].error).toMatch(/more than 10 members/);
  await vi.waitFor(() => expect(isClosed).toBe(true));
});

describe("an end", () => {
  test.each([
    ["while nothing comes", silence],
    ["within a body", stalled],
    ["while it is prepared", statusOf(202)],
    ["before a retry", statusOf(503, { "Retry-After": "60" })],
  ])("%s", async (_, answer) => {
    const lane = server.lane(answer);
    const patience = { retryMinMillis: 60_000, retryMaxMillis: 60_000, pendingMillis: 60_000 };
    const client = new SyncClient(lane, { patience });
    const prepared = client.prepare();
    await vi.waitFor(() => expect(lane.requests).toHaveLength(1));
    setTimeout(() => client.life.abort(), 20);
    await prepared;
    expect(client.sync.states[0].error).toBeUndefined();
    expect(client.errors).toEqual([]);
  });
});

describe("flags that do not name a cohort any more", () => {
  test("remove it", async () => {
    const client = new SyncClient(server.lane(cohort(["a"])));
    await client.prepare();
    client.sync.keepOnly(named("other"));
    expect([client.engine.cohorts, client.sync.states]).toEqual([[], []]);
  });

  test("while it is downloaded", async () => {
    let goOn = () => {};
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const lane = server.lane(held(JSON.stringify(cohortOf(["a"])), () => until));
    const client = new SyncClient(lane, {
      timeouts: { answerMillis: 9_999, silenceMillis: 9_999 },
    });
    const prepared = client.prepare();
    await vi.waitFor(() => expect(lane.requests).toHaveLength(1));
    client.sync.keepOnly(new Map());
    goOn();
    await prepared;
    expect([client.engine.cohorts, client.sync.states]).toEqual([[], []]);
  });
});
