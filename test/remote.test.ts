// The remote client beside Amplitude's own: the same requests and results, on real sockets.
import { readFileSync } from "node:fs";
import { createServer as createTlsServer, Agent as TlsAgent } from "node:https";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RemoteEvaluationDefaults, resolveConfig } from "../src/remote/config.ts";
import type { FetchOptions } from "../src/remote/evaluation-api.ts";
import { LIBRARY } from "../src/sdk/library.ts";
import { type LoggerProvider, LogLevel } from "../src/sdk/log.ts";
import {
  type Answer,
  bodyOf,
  EvaluationServer,
  jsonOf,
  meaningOf,
  type RecordedRequest,
  reset,
  silence,
  statusOf,
  userOf,
} from "./evaluation-server.ts";
import { seededRandom } from "./random.ts";
import { ODD_VALUES, TEXTS } from "./random-values.ts";
import { KEY, ourClient, outcomeOf, theirClient, theirs } from "./remote-clients.ts";

let server: EvaluationServer;
beforeAll(async () => {
  server = await EvaluationServer.listen();
});
afterAll(() => server.close());

/** Answers with the user, in variants that differ in all that variants can. */
const echo: Answer = (response, request) => {
  const { library: _, ...user } = userOf(request);
  jsonOf({
    user: { key: "on", value: "on", payload: user },
    "flag é": { key: "off", metadata: { default: true, flagVersion: 3 } },
    number: { key: "2", value: 2.5, payload: null, metadata: { default: false } },
    object: { key: "o", value: { a: [1] }, payload: [] },
    none: { value: null },
  })(response, request);
};

const VALUES = ODD_VALUES.filter((value) => {
  try {
    return JSON.stringify([value]) !== undefined;
  } catch {
    return false;
  }
});

function randomUsers(count: number): unknown[] {
  const random = seededRandom(7);
  const text = () => random.pick(TEXTS);
  return random.times(count, () => ({
    user_id: text(),
    device_id: random.chance(0.5) ? text() : null,
    country: random.pick(VALUES),
    user_properties: Object.fromEntries(random.times(4, () => [text(), random.pick(VALUES)])),
    groups: { [text()]: [text(), text()], org: random.chance(0.2) ? null : [text()] },
    group_properties: { org: { [text()]: { [text()]: random.pick(VALUES) } } },
    cohort_ids: random.times(random.int(3), text),
    ...(random.chance(0.2) && { library: text() }),
  }));
}

const USERS: readonly unknown[] = [
  ...[undefined, null, {}, { user_id: "u" }, { user_id: "", device_id: undefined }],
  ...[{ user_id: 5 }, { user_id: "😀 ключ 日本語" }, { library: "mine/1" }, { library: undefined }],
  ...[{ user_id: "~~~???>>>ÿÿÿ" }, { groups: { org: ["a", "b"] } }, "text", ["list"]],
  ...randomUsers(150),
];

const OPTIONS: readonly (FetchOptions | null | undefined)[] = [
  ...[undefined, null, {}, { flagKeys: ["a"] }, { flagKeys: ["é", "😀", "\ud800", "a b,c", ""] }],
  ...[{ flagKeys: [] }, { tracksAssignment: true }, { tracksAssignment: false }],
  ...[{ tracksAssignment: null, tracksExposure: null }, { tracksExposure: true }],
  { flagKeys: ["x"], tracksAssignment: false, tracksExposure: false },
];

/** As theirs, with our library where their own would be. */
function withOurLibrary(request: RecordedRequest): RecordedRequest {
  const user = userOf(request);
  if (!/^experiment-node-server\//.test(String(user.library))) return meaningOf(request);
  const json = JSON.stringify({ ...user, library: LIBRARY });
  const header = Buffer.from(json).toString("base64url");
  return meaningOf({ ...request, headers: { ...request.headers, "x-amp-exp-user": header } });
}

describe("the same requests and results as Amplitude's", () => {
  test.each(["fetchV2", "fetch"] as const)("%s, for all users", async (method) => {
    const [ours, their] = [server.lane(echo), server.lane(echo)];
    const [us, them] = [ourClient(ours), theirClient(their)];
    for (const user of USERS) {
      expect(await us[method](user)).toEqual(await them[method](user));
    }
    expect(ours.requests).toHaveLength(USERS.length);
    expect(ours.requests.map(meaningOf)).toEqual(their.requests.map(withOurLibrary));
  });

  test("for all options", async () => {
    const [ours, their] = [server.lane(echo), server.lane(echo)];
    const [us, them] = [ourClient(ours), theirClient(their)];
    const user = { user_id: "u", library: "same/1" };
    for (const options of OPTIONS) {
      expect(await us.fetchV2(user, options)).toEqual(await them.fetchV2(user, options));
    }
    expect(ours.requests.map(meaningOf)).toEqual(their.requests.map(meaningOf));
    expect(ours.requests[0]).toMatchObject({ method: "GET", path: "/sdk/v2/vardata?v=0" });
  });

  test("defaults and zones", () => {
    const defaults = theirs.RemoteEvaluationDefaults as Record<string, unknown>;
    expect(defaults).toMatchObject(RemoteEvaluationDefaults);
    expect(resolveConfig({}).serverUrl).toBe(defaults.serverUrl);
    for (const serverZone of ["us", "eu", "EU", "US"] as "us"[]) {
      const client = new theirs.RemoteEvaluationClient(KEY, { serverZone });
      const { config } = client as unknown as { config: { serverUrl: string } };
      expect(resolveConfig({ serverZone }).serverUrl).toBe(config.serverUrl);
    }
  });

  test("an https agent", async () => {
    const psk = Buffer.from("d731ef57be09e5204f0b205b60627028", "hex");
    const tls = await EvaluationServer.listen(
      () => createTlsServer({ ciphers: "PSK", pskIdentityHint: "", pskCallback: () => psk }),
      "https",
    );
    const pskCallback = () => ({ psk, identity: "test" });
    const checkServerIdentity = () => undefined;
    const httpAgent = new TlsAgent({ ciphers: "PSK", pskCallback, checkServerIdentity });
    try {
      const [ours, their] = [tls.lane(statusOf(204), echo), tls.lane(statusOf(204), echo)];
      const user = { user_id: "u", library: "same/1" };
      const expected = await theirClient(their, { httpAgent }).fetchV2(user);
      expect(await ourClient(ours, { httpAgent }).fetchV2(user)).toEqual(expected);
      expect(ours.requests.map(meaningOf)).toEqual(their.requests.map(meaningOf));
      expect(await outcomeOf(ourClient(tls.lane(echo)).fetchV2(user))).toBe("error");
    } finally {
      httpAgent.destroy();
      tls.close();
    }
  });
});

describe("users too large for a header", () => {
  const USER_HEADER_BYTES_MAX = 8_000;
  const userOfHeader = (bytes: number) => {
    const fixed = JSON.stringify({ library: "l/1", user_id: "" }).length;
    return { library: "l/1", user_id: "x".repeat(Math.floor((bytes * 3) / 4) - fixed) };
  };

  test("go into the body, from the first byte on that is too many", async () => {
    const lane = server.lane(echo);
    const [fits, exceeds] = [USER_HEADER_BYTES_MAX, USER_HEADER_BYTES_MAX + 2].map(userOfHeader);
    await ourClient(lane).fetchV2(fits);
    await ourClient(lane).fetchV2(exceeds, { flagKeys: ["a"], tracksAssignment: false });
    const [get, post] = lane.requests.map(meaningOf);
    expect(get.method).toBe("GET");
    expect(get.headers["x-amp-exp-user"]).toHaveLength(USER_HEADER_BYTES_MAX);
    expect(post).toEqual({
      method: "POST",
      path: "/sdk/v2/vardata?v=0",
      headers: {
        authorization: `Api-Key ${KEY}`,
        "content-type": "application/json",
        "x-amp-exp-flag-keys": Buffer.from('["a"]').toString("base64url"),
        "x-amp-exp-track": "no-track",
      },
      body: JSON.stringify(exceeds),
    });
  });

  test("get the same variants, and beyond the server's limit variants at all", async () => {
    const [ours, their] = [server.lane(echo), server.lane(echo)];
    const large = { user_id: "ключ 😀".repeat(600) };
    const [us, them] = [ourClient(ours), theirClient(their)];
    expect(await us.fetchV2(large)).toEqual(await them.fetchV2(large));
    expect([ours.requests[0].method, their.requests[0].method]).toEqual(["POST", "GET"]);
    const huge = { user_id: "x".repeat(1_000_000) };
    expect(await us.fetchV2(huge)).toMatchObject({ user: { payload: huge } });
    expect(await outcomeOf(them.fetchV2(huge))).toBe(431);
  });
});

describe("keys and users that are none", () => {
  test.each(["", null as unknown as string])("no key: %j", async (key) => {
    const lane = server.lane(echo);
    for (const client of [ourClient(lane, {}, key), theirClient(lane, {}, key)]) {
      await expect(client.fetchV2({})).rejects.toThrow(/^Experiment API key is empty$/);
      expect(await client.fetch({})).toEqual({});
    }
    expect(lane.requests).toEqual([]);
  });

  test("what cannot be sent is not tried again, and not in the error", async () => {
    const lane = server.lane(echo);
    const user: Record<string, unknown> = { user_id: "alice" };
    user.secretProperty = user;
    const results = await Promise.allSettled([
      ourClient(lane, {}, "secret\nkey").fetchV2({}),
      ourClient(lane, {}, "секрет").fetchV2({}),
      ourClient(lane).fetchV2(user),
      ourClient(lane).fetchV2({ user_id: 5n }),
      ourClient(lane, { serverUrl: "no address" }).fetchV2({}),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: "rejected", reason: expect.any(TypeError) });
      expect(inspect(result)).not.toMatch(/secret|секрет|alice/);
    }
    expect(lane.requests).toEqual([]);
  });

  test("the user, the options and the config are only read", async () => {
    const user = { user_id: "u", user_properties: { a: 1 }, groups: { org: ["o"] } };
    const config = { fetchRetries: undefined, serverZone: null };
    const options = { flagKeys: ["a"], tracksAssignment: true };
    const [before, lane] = [structuredClone([user, config, options]), server.lane(echo)];
    const frozen = [user, user.user_properties, user.groups, config, options, options.flagKeys];
    for (const value of frozen) Object.freeze(value);
    await ourClient(lane, config).fetchV2(user, options);
    expect([user, config, options]).toEqual(before);
  });

  test("a user changed during the fetch is sent again as it was", async () => {
    const user = { user_id: "before" };
    const change: Answer = (response, request) => {
      user.user_id = "after";
      statusOf(503)(response, request);
    };
    const lane = server.lane(change, echo);
    await ourClient(lane).fetchV2(user);
    expect(lane.requests.map((request) => userOf(request).user_id)).toEqual(["before", "before"]);
  });
});

describe("what is configured", () => {
  test("another fetch", async () => {
    const urls: string[] = [];
    const fetch = (url: string, init: RequestInit) => {
      urls.push(url);
      return globalThis.fetch(url, init);
    };
    const lane = server.lane(statusOf(503), echo);
    await ourClient(lane, { fetch }).fetchV2({});
    expect(urls).toEqual(Array(2).fill(`${lane.url}/sdk/v2/vardata?v=0`));
  });

  test("an address with a slash at its end, and with a password", async () => {
    const lane = server.lane(echo);
    await ourClient(lane, { serverUrl: `${lane.url}//` }).fetchV2({});
    const serverUrl = lane.url.replace("//", "//name:password@");
    for (const client of [ourClient, theirClient]) await client(lane, { serverUrl }).fetchV2({});
    for (const { path, headers } of lane.requests) {
      expect(path).toBe("/sdk/v2/vardata?v=0");
      expect(headers.authorization).toBe(`Api-Key ${KEY}`);
    }
  });

  test("numbers that are none have their defaults", () => {
    const numbers = { fetchRetries: Number.NaN, fetchTimeoutMillis: Infinity };
    const resolved = resolveConfig({ ...numbers, fetchRetryTimeoutMillis: -1 });
    expect(resolved.fetchRetries).toBe(RemoteEvaluationDefaults.fetchRetries);
    expect(resolved.fetchTimeoutMillis).toBe(2 ** 31 - 1);
    expect(resolved.fetchRetryTimeoutMillis).toBe(0);
  });

  test("the library is that of package.json", () => {
    const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
    const { name, version } = JSON.parse(text) as Record<string, string>;
    expect(LIBRARY).toBe(`${name}/${version}`);
  });
});

test("neither log lines nor errors have the key or the user in them", async () => {
  const lines: unknown[] = [];
  const write = (...line: unknown[]) => void lines.push(line);
  const provider = { error: write, warn: write, info: write, debug: write, verbose: write };
  const loggerProvider: LoggerProvider = provider;
  const config = { loggerProvider, logLevel: LogLevel.Verbose, ...{ fetchTimeoutMillis: 500 } };
  const page = bodyOf(`<p>${KEY} alice`, "text/html");
  const faults = [page, jsonOf([KEY, "alice"]), jsonOf({ alice: KEY }), reset, statusOf(400)];
  const lanes = [...faults, statusOf(503), silence].map((fault) => server.lane(fault, fault, echo));
  const user = { user_id: "alice", library: "l/1" };
  const config1 = { ...config, fetchRetries: 1, fetchRetryTimeoutMillis: 50 };
  const fetches = lanes.map((lane) => ourClient(lane, config1).fetchV2(user));
  const results = await Promise.allSettled([...fetches, ourClient(lanes[0], config).fetchV2(user)]);
  expect(results.map(({ status }) => status)).toEqual([
    ...lanes.map(() => "rejected"),
    "fulfilled",
  ]);
  expect(lines.length).toBeGreaterThan(lanes.length);
  const header = Buffer.from(JSON.stringify(user)).toString("base64url");
  const reasons = results.map((result) => (result.status === "rejected" ? result.reason : ""));
  for (const line of [...lines, ...reasons]) {
    const text = inspect(line, { depth: 9 });
    for (const secret of [KEY, "alice", header]) expect(text).not.toContain(secret);
  }
});
