// The wire formats of evaluation, by hand: users, flag keys, variants, errors.
import { connect } from "node:net";
import type { EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { flagOf, on } from "./agree.ts";
import { until } from "./local-clients.ts";
import { seededRandom } from "./random.ts";
import { type Asked, ask, runService } from "./service-server.ts";

const off = { variant: "off", metadata: { segmentName: "All Other Users" } };
const is = (field: string, value: string) => ({
  conditions: [[on(field, "is", value)]],
  variant: "on",
});
const result = { selector: ["result", "who", "key"], op: "is", values: ["on"] };
const experiment = { experimentKey: "exp-1", evaluationId: "e-1", flagVersion: 3 };
/** In base64 it has each character in which the two alphabets differ. */
const NAME = "ålice ~~~???>>>ÿÿÿ😀";
const FLAGS = [
  flagOf("child", [{ conditions: [[result]], variant: "on" }, off], {
    dependencies: ["who"],
    metadata: { evaluationMode: "remote" },
  }),
  flagOf("who", [is("user_id", NAME), off], {
    metadata: { evaluationMode: "local", ...experiment },
  }),
  flagOf("device", [is("device_id", "d"), off], { metadata: { deliveryMethod: "web" } }),
  flagOf("nowhere", [is("city", "(none)"), off]),
  flagOf("undeployed", [{ variant: "on" }], { metadata: { deployed: false } }),
].map((flag) => ({
  ...flag,
  variants: {
    on: { key: "on", value: "on", payload: { a: [1, null] } },
    off: { key: "off", metadata: { default: true } },
  },
})) as unknown as EvaluationFlag[];

const PATH = "/sdk/v2/vardata";
const PATHS = [PATH, "/v1/vardata", "/sdk/vardata"];
const user = (value: unknown) => JSON.stringify(value);
const base64 = (text: string) => Buffer.from(text).toString("base64");
const base64url = (text: string) => Buffer.from(text).toString("base64url");

/** The flags that are on, by what a path answers. */
async function flagsOn(url: string, asked?: Asked): Promise<string[]> {
  const { status, text } = await ask(url, asked);
  expect(status, text).toBe(200);
  const variants = Object.entries(JSON.parse(text) as Record<string, { key: string }>);
  return variants.filter(([, { key }]) => key === "on").map(([flagKey]) => flagKey);
}

const keysOf = (text: string) => Object.keys(JSON.parse(text)).sort();
const ALL = ["child", "device", "nowhere", "undeployed", "who"];
const ALICE = ["who", "child", "nowhere", "undeployed"].sort();

describe("the user", () => {
  test.each(PATHS)("of %s, of a GET and of a POST", async (path) => {
    const { url } = await runService({ flags: FLAGS });
    const alice = user({ user_id: NAME });
    const asks: Asked[] = [
      { headers: { "X-Amp-Exp-User": base64(alice) } },
      { headers: { "X-Amp-Exp-User": base64(alice).replace(/=+$/, "") } },
      { headers: { "X-Amp-Exp-User": base64url(alice) } },
      { headers: { "x-amp-exp-user": `${base64url(alice)}==` } },
      { method: "POST", body: alice },
      { method: "POST", body: alice, headers: { "Content-Type": "text/plain" } },
      { method: "POST", body: alice, headers: { "Transfer-Encoding": "chunked" } },
    ];
    const isLegacy = path !== PATH;
    const expected = ALICE.filter((key) => !isLegacy || key !== "undeployed");
    for (const asked of asks) expect((await flagsOn(url + path, asked)).sort()).toEqual(expected);
  });

  test("of the query, if there is no header", async () => {
    const { url } = await runService({ flags: FLAGS });
    const of = async (query: Record<string, string>, headers = {}) => {
      const on = await flagsOn(`${url}/v1/vardata?${new URLSearchParams(query)}`, { headers });
      return on.filter((key) => key !== "child").sort();
    };
    const context = user({ user_id: NAME, device_id: "other", city: "Wien" });
    expect(await of({ user_id: NAME })).toEqual(["nowhere", "who"]);
    expect(await of({ device_id: "d" })).toEqual(["device", "nowhere"]);
    expect(await of({ context })).toEqual(["who"]);
    expect(await of({ context, user_id: "bob", device_id: "d" })).toEqual(["device"]);
    const headers = { "X-Amp-Exp-User": base64url(user({ device_id: "d" })) };
    expect(await of({ context, user_id: NAME }, headers)).toEqual(["device", "nowhere"]);
  });

  test("is one without properties if a GET says nothing of it, and null is nothing", async () => {
    const { url } = await runService({ flags: FLAGS });
    for (const path of PATHS) expect(await flagsOn(url + path)).toContain("nowhere");
    const nulls = user({ user_id: NAME, city: null, user_properties: null, groups: null });
    expect((await flagsOn(url + PATH, { method: "POST", body: nulls })).sort()).toEqual(ALICE);
    expect(await flagsOn(url + PATH, { method: "POST", body: "{}" })).toContain("nowhere");
  });

  const GET = (value: string): Asked => ({ headers: { "X-Amp-Exp-User": value } });
  const POST = (body: string | Uint8Array): Asked => ({ method: "POST", body });
  const deep = `{"user_properties":${'{"a":'.repeat(17)}1${"}".repeat(18)}`;
  test.each<[string, number, string, Asked]>([
    ["a header that is no base64", 400, "header X-Amp-Exp-User", GET("{secret}")],
    ["an empty header", 400, "header X-Amp-Exp-User", GET("")],
    ["a header that is no UTF-8", 400, "header X-Amp-Exp-User", GET("//8=")],
    ["a header that is no JSON", 400, "header X-Amp-Exp-User", GET(base64("secret"))],
    ["a header that is no object", 400, "header X-Amp-Exp-User", GET(base64('["secret"]'))],
    ["no body", 400, "body", POST("")],
    ["a part of a body", 400, "body", POST('{"user_id":"secret')],
    ["a body that is null", 400, "body", POST("null")],
    ["a body that is a text", 400, "body", POST('"secret"')],
    ["a body that is no UTF-8", 400, "body", POST(new Uint8Array([0x22, 0xff, 0x22]))],
    ["levels without end", 400, "body", POST(deep)],
    ["a group without a name", 400, "body.groups", POST('{"groups":{"a":[{"toString":1}]}}')],
    ["a large body", 413, "body", POST(user({ user_id: "secret".repeat(1000) }))],
  ])("is refused: %s", async (_, status, path, asked) => {
    const { url, log } = await runService({ flags: FLAGS, limits: { bodyBytes: 2000 } });
    const answer = await ask(url + PATH, asked);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    const { error } = JSON.parse(answer.text);
    expect(error).toEqual({ code: expect.any(String), message: expect.any(String), path });
    expect(answer.text + JSON.stringify(log)).not.toContain("secret");
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("that makes no sense is evaluated or refused, and is no fault of the service", async () => {
    const { service, log } = await runService({ flags: FLAGS });
    const random = seededRandom(5);
    const names = ["user_id", "user_properties", "groups", "group_properties", "cohort_ids"];
    names.push("group_cohort_ids", "org", "toString", "valueOf", "toJSON", "__proto__", "0");
    const anyValue = (level: number): unknown => {
      const values = [null, 1, true, "", "a", "org"];
      if (level > 5 || random.chance(0.4)) return random.pick(values);
      if (random.chance(0.4)) return random.times(random.int(3), () => anyValue(level + 1));
      const members = random.times(random.int(5), () => {
        return [random.pick(names), anyValue(level + 1)] as const;
      });
      return Object.fromEntries(members);
    };
    for (let at = 0; at < 3000; at++) {
      const body = user({ ...(anyValue(0) as object), groups: anyValue(0) });
      const url = `http://localhost${random.pick(PATHS)}`;
      const { status } = await service.fetch(new Request(url, { method: "POST", body }));
      expect([200, 400], body).toContain(status);
    }
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
  });

  test.each(["Content-Length: 100", "Transfer-Encoding: chunked"])(
    "of a client that goes away before its end is no fault of the service: %s",
    async (length) => {
      const { url, log } = await runService({ flags: FLAGS });
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      const head = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`;
      socket.end(`${head}1\r\n{`);
      await until(() => log.length > 0);
      expect(log.map(({ level, fields }) => [level, fields.status])).toEqual([["debug", 400]]);
    },
  );

  test("is refused in a query, and when a body has no length", async () => {
    const { url } = await runService({ flags: FLAGS, limits: { bodyBytes: 2000 } });
    const answer = await ask(`${url}/v1/vardata?context=%7B`);
    expect([answer.status, JSON.parse(answer.text).error.path]).toEqual([400, "query context"]);
    const body = user({ user_id: "x".repeat(5000) });
    const headers = { "Transfer-Encoding": "chunked" };
    expect((await ask(url + PATH, { method: "POST", body, headers })).status).toBe(413);
  });
});

describe("flag keys", () => {
  const header = (keys: unknown, encode = base64url): Asked => ({
    headers: { "X-Amp-Exp-Flag-Keys": encode(JSON.stringify(keys)) },
  });

  test.each<[string, Asked, string[]]>([
    ["", header(["device"]), ["device"]],
    ["", header(["device", "ÿ?>~", "nowhere"], base64), ["device", "nowhere"]],
    ["", header(["child"]), ["child", "who"]],
    ["", header([]), ALL],
    ["", header(["unknown"]), []],
    ["?flag_keys=device,nowhere", {}, ["device", "nowhere"]],
    ["?flag_key=device,nowhere", {}, ["device", "nowhere"]],
    [
      "?flag_keys=device&flag_keys=nowhere&flag_key=child",
      {},
      ["child", "device", "nowhere", "who"],
    ],
    ["?flag_keys=", {}, ALL],
    ["?flag_key=,", {}, ALL],
    ["?flag_keys=device", header(["nowhere"]), ["nowhere"]],
    ["?flag_keys=device", header([]), ALL],
  ])("%s %j", async (query, asked, expected) => {
    const { url } = await runService({ flags: FLAGS });
    expect(keysOf((await ask(url + PATH + query, asked)).text)).toEqual(expected);
    const post = { ...asked, method: "POST", body: "{}" };
    expect(keysOf((await ask(url + PATH + query, post)).text)).toEqual(expected);
  });

  test("are refused if they are no list of texts, or too many", async () => {
    const { url } = await runService({ flags: FLAGS, limits: { flagKeys: 2 } });
    const refused: Asked[] = [header({}), header([1]), header("device"), header(null)];
    refused.push({ headers: { "X-Amp-Exp-Flag-Keys": "device" } }, header(["a", "b", "c"]));
    for (const asked of refused) {
      const { status, text } = await ask(url + PATH, asked);
      expect([status, JSON.parse(text).error.code]).toEqual([400, "invalid-flag-keys"]);
    }
    expect((await ask(`${url}${PATH}?flag_keys=a,b,c`)).status).toBe(400);
    expect((await ask(`${url}${PATH}?flag_keys=a,b`)).status).toBe(200);
  });
});

test.each([
  ["eval_mode=local", ["device", "nowhere", "undeployed", "who"]],
  ["eval_mode=remote", ["child", "device", "nowhere", "undeployed"]],
  ["delivery_method=web", ["device"]],
  ["delivery_method=feature", ["child", "nowhere", "undeployed", "who"]],
  ["delivery_method=feature&eval_mode=local&flag_keys=child", ["who"]],
])("%s", async (query, expected) => {
  const { url } = await runService({ flags: FLAGS });
  expect(keysOf((await ask(`${url}${PATH}?${query}`)).text)).toEqual(expected);
});

describe("variants", () => {
  const asked = { method: "POST", body: user({ user_id: NAME }) };

  test("have all that they have, defaults and undeployed ones too", async () => {
    const { url } = await runService({ flags: FLAGS });
    for (const query of ["?v=0", "?flag_keys=who,device,undeployed"]) {
      const { headers, text } = await ask(url + PATH + query, asked);
      expect(JSON.parse(text)).toMatchObject({
        who: {
          key: "on",
          value: "on",
          payload: { a: [1, null] },
          metadata: { evaluationMode: "local", ...experiment },
        },
        device: { key: "off", metadata: { default: true, segmentName: "All Other Users" } },
        undeployed: { metadata: { deployed: false } },
      });
      expect(headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(headers["cache-control"]).toBe("no-store");
    }
  });

  test.each(PATHS.slice(1))("of %s are those of the v1 API", async (path) => {
    const { url } = await runService({ flags: FLAGS });
    const on = { key: "on", value: "on", payload: { a: [1, null] } };
    expect(JSON.parse((await ask(url + path, asked)).text)).toEqual({
      who: {
        ...on,
        expKey: "exp-1",
        evaluationId: "e-1",
        metadata: { evaluationMode: "local", ...experiment },
      },
      child: { ...on, metadata: { evaluationMode: "remote" } },
      nowhere: { ...on, metadata: {} },
    });
    const nothing = await ask(`${url}${path}?flag_keys=device`, asked);
    expect(nothing.text).toBe("{}");
  });

  test("a HEAD is a GET without a body", async () => {
    const { url } = await runService({ flags: FLAGS });
    for (const path of PATHS) {
      const { status, headers, text } = await ask(url + path, { method: "HEAD" });
      expect([status, text]).toEqual([200, ""]);
      expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    }
    expect((await ask(`${url}${PATH}?flag_keys=a`, { method: "HEAD" })).status).toBe(200);
  });

  test.each(["PUT", "DELETE", "PATCH"])("there are none for %s", async (method) => {
    const { url } = await runService({ flags: FLAGS });
    for (const path of PATHS) {
      const { status, text } = await ask(url + path, { method });
      expect([status, JSON.parse(text).error.code]).toEqual([404, "not-found"]);
    }
  });
});
