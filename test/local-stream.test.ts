// Flags that are streamed: what is live when, and what happens when there is no stream.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { FlagApi } from "../src/local/flag-api.ts";
import { FlagFeed, STREAM_TIMING } from "../src/local/flag-feed.ts";
import { Http } from "../src/sdk/http.ts";
import { Log } from "../src/sdk/log.ts";
import { bodyOf, reset, statusOf } from "./evaluation-server.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import {
  cohortFlag,
  eventsOf,
  flagFor,
  KEY,
  OFTEN,
  ourClient,
  RARELY,
  until,
  variantKeys,
} from "./local-clients.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await FlagServer.listen();
});
afterAll(() => server.close());

const streaming = { streamUpdates: true };

const lives: AbortController[] = [];
afterEach(() => {
  for (const life of lives.splice(0)) life.abort();
});

interface FeedOptions {
  pollingIntervalMillis?: number;
  silenceMillis?: number;
  timing?: Partial<typeof STREAM_TIMING>;
  delay?: (source: string) => Promise<void> | undefined;
}

/** A feed of its own, with all its times short, and what it has brought. */
function feedOf(lane: FlagLane, options: FeedOptions = {}) {
  const http = new Http({});
  const applied: string[] = [];
  const errors: string[] = [];
  const life = new AbortController();
  lives.push(life);
  const { pollingIntervalMillis = OFTEN, silenceMillis = 5_000 } = options;
  const server = { http, deploymentKey: KEY, timeoutMillis: 2_000 };
  const feed = new FlagFeed({
    api: new FlagApi({ ...server, serverUrl: lane.url }),
    stream: { ...server, streamServerUrl: lane.url, silenceMillis },
    pollingIntervalMillis,
    timing: { ...STREAM_TIMING, retryMillis: 30, retryJitterMillis: 5, ...options.timing },
    log: new Log({ logLevel: 0 }, []),
    apply: async ({ flags }, source, signal) => {
      await options.delay?.(source);
      signal.throwIfAborted();
      applied.push(`${source} ${flags.map(({ key }) => key)}`);
    },
    confirm: () => {},
    onError: (error) => errors.push(String(error)),
  });
  return { feed, applied, errors, life, start: () => feed.start(life.signal) };
}

describe("a client that streams", () => {
  test("starts with the first flags, and has the next ones", async () => {
    const lane = server.lane([flagFor("a")]);
    const client = ourClient(lane, streaming);
    const events = eventsOf(client);
    await client.start();
    expect(variantKeys(client)).toEqual({ a: "on" });
    expect(client.status()).toMatchObject({ source: "stream", isStale: false });
    for (const data of [" ", "", " "]) lane.write(data);
    lane.push([flagFor("b")]);
    await until(() => "b" in variantKeys(client));
    lane.push([flagFor("b")]);
    lane.push([]);
    await until(() => !("b" in variantKeys(client)));
    expect(events).toMatchObject([
      { type: "ready" },
      { type: "update", detail: { changed: ["a"], source: "stream" } },
      { type: "update", detail: { changed: ["b", "a"], source: "stream" } },
      { type: "update", detail: { changed: ["b"], source: "stream" } },
    ]);
    expect(lane.requestsOf("flags")).toEqual([]);
    await client.stop();
    await until(() => lane.streams.size === 0);
  });

  test.each([
    ["an error", statusOf(500)],
    ["no stream", statusOf(501)],
    ["a reset", reset],
    ["an end", bodyOf("", "text/event-stream")],
    ["flags that are none", bodyOf("data: [1]\n\n", "text/event-stream")],
    ["a page", bodyOf("<p>", "text/html")],
  ])("polls where there is %s", async (_, answer) => {
    const lane = server.lane([flagFor("a")]);
    lane.always.stream = answer;
    const client = ourClient(lane, { ...streaming, flagConfigPollingIntervalMillis: OFTEN });
    await client.start();
    expect(client.status()).toMatchObject({ source: "poll", flagCount: 1 });
    lane.flags = [flagFor("b")];
    await until(() => "b" in variantKeys(client));
    expect(lane.requestsOf("stream")).toHaveLength(1);
  });

  test("polls if the first flags of the stream do not come in time", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.always.stream = (response) => void response.writeHead(200).write("data:  \n\n");
    const client = ourClient(lane, { ...streaming, streamFlagConnTimeoutMillis: 30 });
    await client.start();
    expect(client.status()).toMatchObject({ source: "poll", flagCount: 1 });
  });

  test("is stale when neither streams nor polls come any more", async () => {
    const lane = server.lane([flagFor("a")]);
    const config = { ...streaming, flagConfigPollingIntervalMillis: OFTEN };
    const client = ourClient(lane, config);
    await client.start();
    await new Promise((done) => setTimeout(done, 5 * OFTEN));
    expect(client.status()).toMatchObject({ isStale: false, source: "stream" });
    for (const kind of ["stream", "flags"] as const) lane.always[kind] = statusOf(500);
    lane.endStreams();
    await until(() => client.status().isStale);
    expect(variantKeys(client)).toEqual({ a: "on" });
    lane.always.flags = undefined;
    await until(() => !client.status().isStale);
    expect(client.status().source).toBe("poll");
  });

  test("rejects if there are neither streams nor polls", async () => {
    const lane = server.lane();
    lane.always.stream = statusOf(500);
    lane.always.flags = statusOf(401);
    await expect(ourClient(lane, streaming).start()).rejects.toMatchObject({ status: 401 });
  });

  test("has cohorts before the flags that name them", async () => {
    const lane = server.lane([]);
    lane.cohorts = { c1: { groupType: "User", memberIds: ["u"] } };
    const { cohortSyncConfig } = lane.config;
    const client = ourClient(lane, { ...streaming, cohortSyncConfig });
    await client.start();
    lane.push([cohortFlag("a", "c1")]);
    await until(() => "a" in variantKeys(client));
    expect(variantKeys(client)).toEqual({ a: "on" });
    lane.push([]);
    await until(() => client.status().cohorts.length === 0);
  });
});

describe("a feed", () => {
  test("comes back to the stream, and then does not poll", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.once.stream = [statusOf(500), statusOf(503)];
    const { applied, errors, start } = feedOf(lane);
    await start();
    await until(() => applied.includes("stream a"));
    expect(applied[0]).toBe("poll a");
    expect(errors).toHaveLength(2);
    const polls = lane.requestsOf("flags").length;
    await new Promise((done) => setTimeout(done, 5 * OFTEN));
    expect(lane.requestsOf("flags")).toHaveLength(polls);
    lane.push([flagFor("b")]);
    await until(() => applied.includes("stream b"));
  });

  test("never asks for a stream again where there is none to be had", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.always.stream = statusOf(501);
    const { applied, errors, start } = feedOf(lane);
    await start();
    const polled = lane.requestsOf("flags").length;
    await until(() => lane.requestsOf("flags").length > polled + 3);
    expect(lane.requestsOf("stream")).toHaveLength(1);
    expect([applied, errors]).toEqual([["poll a"], []]);
  });

  test.each([
    ["ends", (lane: FlagLane) => lane.endStreams()],
    ["breaks", (lane: FlagLane) => lane.streams.forEach((it) => void it.socket!.destroy())],
    ["brings no flags", (lane: FlagLane) => lane.write("[")],
  ])("opens a stream again that %s, and polls meanwhile", async (_, harm) => {
    const lane = server.lane([flagFor("a")]);
    const { applied, start } = feedOf(lane, { timing: { retryMillis: 60 } });
    await start();
    lane.once.stream = [statusOf(500)];
    lane.flags = [flagFor("b")];
    harm(lane);
    await until(() => applied.includes("poll b"));
    lane.flags = [flagFor("c")];
    await until(() => applied.includes("stream c"));
  });

  test("opens a stream that is old anew, without polls and errors", async () => {
    const lane = server.lane([flagFor("a")]);
    const timing = { retryMillis: 10, ageMinMillis: 20, ageMaxMillis: 30 };
    const { applied, errors, start } = feedOf(lane, { timing });
    await start();
    await until(() => lane.requestsOf("stream").length > 3);
    expect(new Set(applied)).toEqual(new Set(["stream a"]));
    expect([errors, lane.requestsOf("flags")]).toEqual([[], []]);
    const [first, last] = [0, -1].map((i) => lane.requestsOf("stream").at(i)!.headers);
    expect(last).toEqual(first);
  });

  test("drops a stream that is silent, not one that keeps alive", async () => {
    const lane = server.lane([flagFor("a")]);
    const { errors, start } = feedOf(lane, { silenceMillis: 500 });
    await start();
    const signs = setInterval(() => lane.write(" "), 20);
    await new Promise((done) => setTimeout(done, 900));
    expect(errors).toEqual([]);
    clearInterval(signs);
    await until(() => errors.length > 0);
    expect(errors[0]).toMatch(/StreamError.*sign of life/);
    await until(() => lane.requestsOf("stream").length > 1);
  });

  test("does not take for silence that flags take long to go live", async () => {
    const lane = server.lane([flagFor("a")]);
    const delay = () => new Promise<void>((done) => setTimeout(done, 500));
    const { applied, errors, start } = feedOf(lane, { silenceMillis: 300, delay });
    const signs = setInterval(() => lane.write(" "), 10);
    await start();
    lane.push([flagFor("b")]);
    await until(() => applied.includes("stream b"));
    clearInterval(signs);
    expect(errors).toEqual([]);
  });

  test("lets no poll go live that is older than the stream", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.once.stream = [statusOf(500)];
    const pending: (() => void)[] = [];
    const delay = (source: string) =>
      source === "poll" ? new Promise<void>((done) => pending.push(done)) : undefined;
    const { applied, start } = feedOf(lane, { delay });
    const started = start();
    await until(() => pending.length === 1);
    await until(() => applied.includes("stream a"));
    await started;
    for (const done of pending) done();
    lane.push([flagFor("b")]);
    await until(() => applied.includes("stream b"));
    expect(applied).toEqual(["stream a", "stream b"]);
  });

  test("takes a poll for new that the stream has changed meanwhile", async () => {
    const lane = server.lane([flagFor("a")]);
    lane.hasEtag = true;
    lane.once.stream = [statusOf(500)];
    const { applied, start } = feedOf(lane, { pollingIntervalMillis: RARELY });
    await start();
    lane.flags = [flagFor("b")];
    await until(() => applied.includes("stream b"));
    lane.flags = [flagFor("a")];
    lane.once.stream = [statusOf(500)];
    lane.endStreams();
    await until(() => applied.length > 2);
    expect(applied.slice(0, 3)).toEqual(["poll a", "stream b", "poll a"]);
  });
});
