// What callers see when remote evaluation fails: beside Amplitude's client, on real sockets.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { HttpError } from "../src/sdk/http.ts";
import { LogLevel } from "../src/sdk/log.ts";
import {
  type Answer,
  bodyOf,
  EvaluationServer,
  jsonOf,
  reset,
  silence,
  stalled,
  statusOf,
  truncated,
} from "./evaluation-server.ts";
import { ourClient, outcomeOf, RETRIES, theirClient } from "./remote-clients.ts";

let server: EvaluationServer;
beforeAll(async () => {
  server = await EvaluationServer.listen();
});
afterAll(() => server.close());

type Seen = readonly [outcome: unknown, requests: number];

interface Fault {
  name: string;
  answers: readonly Answer[];
  config?: object;
  /** What the caller sees, after how many requests. */
  expected: Seen;
  /** What Amplitude's caller sees, where that differs on purpose: docs/remote.md says why. */
  theirs?: Seen;
}

const ON = { flag: { key: "on", value: "on" } };
const ok = jsonOf(ON);
const ALL = RETRIES + 1;
const NOTHING = "neither an answer nor an error";
const SHORT = { fetchTimeoutMillis: 60, fetchRetryTimeoutMillis: 60 };
const page = bodyOf("<!doctype html><p>Sign in", "text/html");

const FAULTS: readonly Fault[] = [
  { name: "200", answers: [ok], expected: [ON, 1] },
  { name: "200, no variants", answers: [jsonOf({})], expected: [{}, 1] },
  ...[400, 401, 403, 404, 408, 413, 431].map((status) => ({
    ...{ name: `${status}`, answers: [statusOf(status)], expected: [status, 1] as const },
  })),
  ...[204, 206, 302, 304, 429, 500, 503].map((status) => ({
    ...{ name: `${status}`, answers: [statusOf(status)], expected: [status, ALL] as const },
  })),
  { name: "503, then 200", answers: [statusOf(503), ok], expected: [ON, 2] },
  { name: "429, reset, then 200", answers: [statusOf(429), reset, ok], expected: [ON, 3] },
  { name: "HTML, then 200", answers: [page, ok], expected: [ON, 2] },
  {
    name: "other errors each time: the last one counts",
    answers: [statusOf(500), statusOf(503), reset, statusOf(502)],
    expected: [502, ALL],
    theirs: [500, ALL],
  },
  { name: "reset", answers: [reset], expected: ["error", ALL] },
  { name: "silence", answers: [silence], config: SHORT, expected: ["error", ALL] },
  {
    name: "silence, then 200",
    answers: [silence, ok],
    config: { fetchTimeoutMillis: 60 },
    expected: [ON, 2],
  },
  { name: "HTML", answers: [page], expected: ["error", ALL] },
  { name: "an empty body", answers: [bodyOf("")], expected: ["error", ALL] },
  { name: "half of the JSON", answers: [bodyOf('{"flag":{"key"')], expected: ["error", ALL] },
  { name: "JSON: null", answers: [jsonOf(null)], expected: ["error", ALL] },
  { name: "JSON: a null variant", answers: [jsonOf({ a: null })], expected: ["error", ALL] },
  { name: "no retries: 503", answers: [statusOf(503)], ...none(), expected: [503, 1] },
  { name: "no retries: reset", answers: [reset, ok], ...none(), expected: ["error", 1] },
  { name: "no retries: 200", answers: [ok], ...none(), expected: [ON, 1] },
  { name: "-1 retries", answers: [reset, ok], ...none(-1), expected: ["error", 1] },
  {
    name: "a redirection to where variants are",
    answers: [statusOf(307, { Location: "/lane-0/sdk/v2/vardata?v=0" })],
    expected: [307, ALL],
  },
  {
    name: "503, then 401",
    answers: [statusOf(503), statusOf(401), ok],
    expected: [401, 2],
    theirs: [ON, 3],
  },
  {
    name: "reset, then 400 for ever",
    answers: [reset, statusOf(400)],
    expected: [400, 2],
    theirs: ["error", ALL],
  },
  {
    name: "a truncated body",
    answers: [truncated(200)],
    expected: ["error", ALL],
    theirs: [NOTHING, 1],
  },
  {
    name: "a truncated body, then 200",
    answers: [truncated(200), ok],
    expected: [ON, 2],
    theirs: [NOTHING, 1],
  },
  {
    name: "401 with a truncated body",
    answers: [truncated(401)],
    expected: [401, 1],
    theirs: [NOTHING, 1],
  },
  {
    name: "a body that stops coming",
    answers: [stalled],
    config: SHORT,
    expected: ["error", ALL],
  },
  { name: "JSON: a list", answers: [jsonOf([])], expected: ["error", ALL], theirs: [{}, 1] },
  { name: "JSON: a number", answers: [jsonOf(5)], expected: ["error", ALL], theirs: [{}, 1] },
  {
    name: "JSON: a variant that is a text",
    answers: [jsonOf({ a: "" })],
    expected: ["error", ALL],
    theirs: [{ a: { value: undefined } }, 1],
  },
];

function none(fetchRetries = 0): { config: object } {
  return { config: { fetchRetries } };
}

test.each(FAULTS)("$name", async ({ answers, config, expected, theirs = expected }) => {
  const [ours, their] = [server.lane(...answers), server.lane(...answers)];
  const theirOutcome = outcomeOf(theirClient(their, config).fetchV2({ user_id: "u" }));
  const ourOutcome = await outcomeOf(ourClient(ours, config).fetchV2({ user_id: "u" }));
  expect([ourOutcome, ours.requests.length]).toEqual(expected);
  const [theirExpected, theirRequests] = theirs;
  if (theirExpected === NOTHING) {
    await vi.waitFor(() => expect(their.requests).toHaveLength(theirRequests));
    expect(await Promise.race([theirOutcome, sleep(20, NOTHING)])).toBe(NOTHING);
  }
  const theirSeen = theirExpected === NOTHING ? NOTHING : await theirOutcome;
  expect([theirSeen, their.requests.length]).toEqual(theirs);
  const deprecated = await ourClient(server.lane(...answers), config).fetch({ user_id: "u" });
  expect(deprecated).toEqual(typeof ourOutcome === "object" ? ourOutcome : {});
});

test("a server that is not there", async () => {
  const gone = await EvaluationServer.listen();
  const lane = gone.lane(ok);
  gone.close();
  expect(await outcomeOf(theirClient(lane).fetchV2({}))).toBe("error");
  const failure = ourClient(lane).fetchV2({});
  await expect(failure).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
});

test("the error of a status says which", async () => {
  const failure = ourClient(server.lane(statusOf(403))).fetchV2({});
  await expect(failure).rejects.toThrow(HttpError);
  await expect(failure).rejects.toThrow("remote evaluation: expected status 200, got 403");
  await expect(failure).rejects.toMatchObject({ status: 403, statusCode: 403 });
});

describe("Retry-After", () => {
  /** What the log says about the wait before each retry. */
  async function waitsAfter(answer: Answer, config: object): Promise<string[]> {
    const waits: string[] = [];
    const warn = (line: string) => void waits.push(/in (.*?):/.exec(line)?.[1] ?? line);
    const loggerProvider = { warn, error() {}, info() {}, debug() {}, verbose() {} };
    const log = { loggerProvider, logLevel: LogLevel.Warn };
    expect(await ourClient(server.lane(answer), { ...log, ...config }).fetch({})).toEqual({});
    return waits;
  }

  const seconds = statusOf(429, { "Retry-After": "3600" });
  const date = statusOf(503, { "Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT" });

  test.each([seconds, date])("is kept, up to the longest backoff", async (answer) => {
    const config = { fetchRetries: 2, fetchRetryBackoffMaxMillis: 20 };
    expect(await waitsAfter(answer, config)).toEqual(["20 ms", "20 ms"]);
  });

  test.each(["0", "-5", "soon", ""])("%j: the backoff is kept", async (value) => {
    const answer = statusOf(503, { "Retry-After": value });
    const growing = { fetchRetryBackoffMinMillis: 4, fetchRetryBackoffMaxMillis: 8 };
    expect(await waitsAfter(answer, growing)).toEqual(["4 ms", "6 ms", "8 ms"]);
  });

  test("can be aborted", async () => {
    const controller = new AbortController();
    const stop: Answer = (response, request) => {
      seconds(response, request);
      setTimeout(() => controller.abort(new Error("enough")), 50);
    };
    const lane = server.lane(stop);
    const client = ourClient(lane, { fetchRetryBackoffMaxMillis: 3_600_000 });
    const failure = client.fetchV2({}, { signal: controller.signal });
    await expect(failure).rejects.toThrow("enough");
    expect(lane.requests).toHaveLength(1);
  });
});

describe("a signal", () => {
  const reason = new Error("enough");

  test("that has aborted: nothing is sent", async () => {
    const lane = server.lane(ok);
    const options = { signal: AbortSignal.abort(reason) };
    await expect(ourClient(lane).fetchV2({}, options)).rejects.toBe(reason);
    expect(await ourClient(lane).fetch({}, options)).toEqual({});
    expect(lane.requests).toEqual([]);
  });

  test.each([silence, stalled, statusOf(503), truncated(200)])("ends it", async (answer) => {
    const controller = new AbortController();
    const config = { fetchRetries: Number.POSITIVE_INFINITY };
    const abort: Answer = (response, request) => {
      answer(response, request);
      setTimeout(() => controller.abort("any value"), 10);
    };
    const failure = ourClient(server.lane(abort), config).fetchV2({}, controller);
    await expect(failure).rejects.toBe("any value");
  });

  test("that stays silent changes nothing", async () => {
    const { signal } = new AbortController();
    const lane = server.lane(silence, statusOf(503), reset, ok);
    const config = { fetchTimeoutMillis: 60 };
    expect(await ourClient(lane, config).fetchV2({}, { signal })).toEqual(ON);
  });

  test("does not make the timeout get lost to the garbage collector", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const controller = new AbortController();
    const client = ourClient(server.lane(silence), { ...SHORT, fetchRetries: 0 });
    const failure = client.fetchV2({}, { signal: controller.signal });
    const timer = setInterval(collect, 5);
    await expect(failure.finally(() => clearInterval(timer))).rejects.toMatchObject({
      name: "TimeoutError",
    });
  }, 10_000);
});
