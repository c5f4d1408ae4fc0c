// Requests of the browser client: what is sent, what is answered late or not at all, retries.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type AnyClient, bothSides, meaningOf, Side } from "./browser-clients.ts";
import { openPage, settled } from "./browser-page.ts";
import {
  EvaluationServer,
  jsonOf,
  reset,
  silence,
  stalled,
  statusOf,
  userOf,
} from "./evaluation-server.ts";

const json = (value: unknown) => ({ status: 200, body: JSON.stringify(value) });
const ON = { key: "on", value: "on" };

afterEach(() => vi.useRealTimers());

describe("requests on a real socket", () => {
  let server: EvaluationServer;
  beforeAll(async () => {
    server = await EvaluationServer.listen();
  });
  afterAll(() => server.close());

  const clientOf = (side: Side, url: string, config: object = {}) =>
    side.open({ httpClient: undefined, serverUrl: url, flagsServerUrl: url, ...config });

  test("are those of Amplitude's client", async () => {
    openPage();
    const sides = bothSides();
    const lanes = sides.map(() => server.lane(jsonOf({ a: ON })));
    for (const [index, side] of sides.entries()) {
      const client = clientOf(side, lanes[index].url);
      await client.setTracksAssignment(false);
      await client.fetch({ user_id: "ключ", user_properties: { é: [1, "😀"] } });
      await client.fetch({ user_id: "u", cookie: { secret: "1" } }, { flagKeys: ["a", "é"] });
    }
    const [ours, theirs] = lanes.map(({ requests }) =>
      requests.map((request) => {
        const { library: _, ...user } = userOf(request);
        const {
          "x-amp-exp-track": track,
          "x-amp-exp-flag-keys": keys,
          authorization,
        } = request.headers;
        return { method: request.method, path: request.path, user, track, keys, authorization };
      }),
    );
    expect(ours).toEqual(theirs);
    expect(ours[0].user).not.toHaveProperty("cookie");
  });

  test("end when their time is over", async () => {
    openPage();
    for (const answer of [silence, stalled]) {
      const side = new Side(true);
      const lane = server.lane(answer);
      const client = clientOf(side, lane.url, { fetchTimeoutMillis: 50, throwOnError: true });
      await expect(client.fetch({ user_id: "u" })).rejects.toMatchObject({ name: "TimeoutError" });
    }
  });

  test("say what has failed, if it is asked for", async () => {
    openPage();
    const client = clientOf(new Side(true), server.lane(statusOf(403)).url, { throwOnError: true });
    await expect(client.fetch({})).rejects.toMatchObject({ status: 403, statusCode: 403 });
    const lost = clientOf(new Side(true), server.lane(reset).url, { throwOnError: true });
    await expect(lost.fetch({})).rejects.toThrow();
    const quiet = clientOf(new Side(true), server.lane(reset).url);
    await expect(quiet.fetch({})).resolves.toBe(quiet);
  });

  test("carry a large user in their body", async () => {
    openPage();
    const lane = server.lane(jsonOf({ a: ON }));
    const client = clientOf(new Side(true), lane.url);
    await client.fetch({ user_id: "u", user_properties: { text: "x".repeat(9000) } });
    expect(lane.requests[0]).toMatchObject({ method: "POST", path: "/sdk/v2/vardata?v=0" });
    expect(userOf(lane.requests[0])).toMatchObject({ user_id: "u" });
    expect(client.variant("a")).toEqual(ON);
    for (const answer of [statusOf(405), reset]) {
      const other = server.lane(answer, jsonOf({ a: ON }));
      const old = clientOf(new Side(true), other.url);
      await old.fetch({ user_id: "u", user_properties: { text: "x".repeat(7000) } });
      expect(other.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
      expect(old.variant("a")).toEqual(ON);
    }
  });
});

describe("fetches", () => {
  /** A server whose answers are given by hand, in any order. */
  function byHand(side: Side) {
    const waiting: ((answer: object) => void)[] = [];
    side.server.request = (url: string) =>
      url.includes("/flags")
        ? Promise.resolve(json([]))
        : new Promise((answer) => waiting.push(answer as never));
    return waiting;
  }

  test("that end late do not replace what a newer one has", async () => {
    openPage();
    const side = new Side(true);
    const answers = byHand(side);
    const client = side.open();
    const [one, two] = [client.fetch({ user_id: "u1" }), client.fetch({ user_id: "u1" })];
    await settled();
    answers[1](json({ a: { key: "newer" } }));
    await two;
    answers[0](json({ a: { key: "older" }, b: ON }));
    await one;
    expect(client.all()).toEqual({ a: { key: "newer" } });
  });

  test("for a user who has left are dropped", async () => {
    openPage();
    const side = new Side(true);
    const answers = byHand(side);
    const client = side.open();
    const one = client.fetch({ user_id: "u1" });
    const two = client.fetch({ user_id: "u2" });
    await settled();
    answers[0](json({ a: { key: "of u1" } }));
    await one;
    expect(client.all()).toEqual({});
    answers[1](json({ a: { key: "of u2" } }));
    await two;
    expect(client.variant("a").key).toBe("of u2");
  });

  test("of single flags stay, when an older one of all flags ends", async () => {
    openPage();
    const side = new Side(true);
    const answers = byHand(side);
    const client = side.open();
    const [all, some] = [client.fetch({}), client.fetch(undefined, { flagKeys: ["a", "gone"] })];
    await settled();
    answers[1](json({ a: { key: "newer" } }));
    await some;
    answers[0](json({ a: { key: "older" }, b: ON, gone: ON }));
    await all;
    expect(client.all()).toEqual({ a: { key: "newer" }, b: ON });
  });

  test("are repeated in the background, as Amplitude's are", async () => {
    openPage();
    const waits: number[][] = [];
    for (const side of bothSides()) {
      vi.useFakeTimers();
      const start = Date.now();
      const at: number[] = [];
      const { server } = side;
      server.variants = { status: 500, body: "" };
      const request = server.request.bind(server);
      server.request = (...all) => {
        at.push(Date.now() - start);
        return request(...all);
      };
      await side.open({ retryFetchOnFailure: true }).fetch({ user_id: "u" });
      await vi.advanceTimersByTimeAsync(120_000);
      waits.push(at);
      vi.useRealTimers();
    }
    expect(waits[0]).toEqual(waits[1]);
    expect(waits[0]).toHaveLength(9);
  });

  test("are repeated until one succeeds, it is refused, or another one begins", async () => {
    openPage();
    vi.useFakeTimers();
    for (const status of [200, 400]) {
      const side = new Side(true);
      side.server.variants = { status: 429, body: "" };
      await side.open({ retryFetchOnFailure: true }).fetch({ user_id: "u" });
      side.server.variants = { status, body: '{"a":{"key":"on"}}' };
      await vi.advanceTimersByTimeAsync(60_000);
      expect(side.server.requests).toHaveLength(2);
    }
    const side = new Side(true);
    side.server.variants = new Error("down");
    await side.open({ retryFetchOnFailure: true }).fetch({ user_id: "u1" });
    side.server.variants = json({ a: ON });
    await side.client.fetch({ user_id: "u2" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(side.server.requests.map((it) => (meaningOf(it) as AnyClient).user.user_id)).toEqual([
      "u1",
      "u2",
    ]);
  });

  test("that answer no variants keep those there are", async () => {
    openPage();
    const side = new Side(true);
    side.server.variants = json({ a: ON });
    const client = side.open();
    await client.fetch({ user_id: "u" });
    for (const body of ["[]", "5", "null", '{"a":"text"}', "<html>"]) {
      side.server.variants = { status: 200, body };
      await client.fetch({ user_id: "u" });
      expect(client.variant("a")).toEqual(ON);
    }
  });
});
