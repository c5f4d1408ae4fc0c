// OpenFeature's remote evaluation protocol: real SDKs, the reference engine, the description.
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { type EvaluationContext, type JsonValue, OpenFeature } from "@openfeature/server-sdk";
import type { EvaluationFlag, ExperimentUser } from "halyard/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BOOLEAN, expectedOf, FLAGS, MIXED, NUMBER, OBJECT, oracle, TEXT } from "./ofrep/flags.ts";
import { OfrepServer } from "./ofrep/server.ts";

type Json = Record<string, unknown>;

const KEYS = ["server-key", "client-key"];
let server: OfrepServer;
let open: OfrepServer;
beforeAll(async () => {
  server = await OfrepServer.start(FLAGS, { keys: KEYS, limits: { bodyBytes: 4096 } });
  open = await OfrepServer.start(FLAGS);
});
afterAll(async () => {
  await OpenFeature.close();
  await Promise.all([server.stop(), open.stop()]);
});

async function clientOf(headers: Record<string, string>) {
  const domain = JSON.stringify(headers);
  const baseUrl = server.url;
  const fetchImplementation = server.fetch as typeof fetch;
  const provider = new OFREPProvider({ baseUrl, headers, fetchImplementation });
  await OpenFeature.setProviderAndWait(domain, provider);
  return OpenFeature.getClient(domain);
}

describe("OpenFeature's SDK", () => {
  const users: readonly EvaluationContext[] = [
    { targetingKey: "user-1", plan: "pro" },
    ...Array.from({ length: 20 }, (_, index) => ({ targetingKey: `user-${index}` })),
  ];
  const userOf = ({ targetingKey, plan }: EvaluationContext): ExperimentUser => ({
    user_id: targetingKey,
    user_properties: plan ? { plan: `${plan}` } : {},
  });

  test.each(["Authorization: Bearer server-key", "X-API-Key: client-key"])(
    "gets what the reference engine says, with %s",
    async (header) => {
      const [name, value] = header.split(": ");
      const client = await clientOf({ [name]: value });
      const seen = new Set<unknown>();
      for (const context of users) {
        const variants = oracle(FLAGS, userOf(context));
        const check = async (flag: EvaluationFlag, fallback: JsonValue) => {
          const { key } = flag;
          const details =
            typeof fallback === "boolean"
              ? await client.getBooleanDetails(key, fallback, context)
              : typeof fallback === "number"
                ? await client.getNumberDetails(key, fallback, context)
                : typeof fallback === "string"
                  ? await client.getStringDetails(key, fallback, context)
                  : await client.getObjectDetails(key, fallback, context);
          const expected = expectedOf(flag, variants[key]);
          expect(details.value, key).toEqual(expected ?? fallback);
          if (expected !== undefined) expect(details.variant).toBe(variants[key].key);
          seen.add(JSON.stringify([key, details.value]));
        };
        await check(BOOLEAN, true);
        await check(TEXT, "of the code");
        await check(OBJECT, { of: "the code" });
        await check(NUMBER, -1);
        await check(MIXED, "of the code");
      }
      // Nothing, one thing or the other, for each type.
      expect(seen.size).toBe(2 + 3 + 3 + 3 + 2);
    },
  );

  test("is told reason, variant and metadata", async () => {
    const client = await clientOf({ "X-API-Key": "client-key" });
    const details = await client.getBooleanDetails("boolean", false, users[0]);
    expect(details).toMatchObject({
      value: true,
      variant: "on",
      reason: "TARGETING_MATCH",
      flagMetadata: { flagVersion: 7, segmentName: "Pro" },
    });
  });

  test("gets its own default, with the error, where there is none", async () => {
    const client = await clientOf({ "X-API-Key": "client-key" });
    const unknown = await client.getBooleanDetails("unknown", true, {});
    expect(unknown).toMatchObject({ value: true, errorCode: "FLAG_NOT_FOUND", reason: "ERROR" });
    const list = await client.getObjectDetails("list", { own: 1 }, users[0]);
    expect(list).toMatchObject({ value: { own: 1 }, errorCode: "GENERAL" });
    const text = await client.getStringDetails("boolean", "own", users[0]);
    expect(text).toMatchObject({ value: "own", errorCode: "TYPE_MISMATCH" });
    const groups = await client.getBooleanDetails("boolean", true, { groups: 1 });
    expect(groups).toMatchObject({ value: true, errorCode: "INVALID_CONTEXT" });
    const stranger = await clientOf({ "X-API-Key": "wrong" });
    expect(await stranger.getBooleanValue("boolean", true, users[0])).toBe(true);
  });
});

describe("one flag", () => {
  const answerTo = async (flagKey: string, context: object) =>
    (await open.one(flagKey, context)).body;

  test("has a reason", async () => {
    const pro = { targetingKey: "u", plan: "pro" };
    const reasonOf = async (flagKey: string, context: object) =>
      (await answerTo(flagKey, context))?.reason;
    expect(await reasonOf("boolean", pro)).toBe("TARGETING_MATCH");
    const chosen = ["user-1", "user-2", "user-3", "user-4", "user-5"].map(async (targetingKey) => {
      const isOn = oracle([BOOLEAN], { user_id: targetingKey }).boolean.key === "on";
      expect(await reasonOf("boolean", { targetingKey })).toBe(isOn ? "SPLIT" : "DEFAULT");
      return isOn;
    });
    expect(new Set(await Promise.all(chosen)).size).toBe(2);
    expect(await reasonOf("static", {})).toBe("STATIC");
    expect(await reasonOf("switched-off", {})).toBe("DEFAULT");
    expect(await reasonOf("retired", {})).toBe("DISABLED");
    expect(await reasonOf("fallback", {})).toBe("DEFAULT");
    expect(await reasonOf("fallback", pro)).toBe("TARGETING_MATCH");
    expect(await reasonOf("child", {})).toBe("TARGETING_MATCH");
  });

  test("has a value, variant and flat metadata", async () => {
    const pro = { plan: "pro" };
    const reason = "TARGETING_MATCH";
    const text = { key: "text", reason, variant: "control", value: "control" };
    const metadata = { flagVersion: 2, deployed: true, segmentName: "Pro" };
    expect(await answerTo("text", pro)).toEqual({ ...text, metadata });
    const named = { segmentName: "Pro" };
    const bare = { key: "mixed", reason, variant: "bare", metadata: named };
    expect(await answerTo("mixed", pro)).toEqual(bare);
    expect(await answerTo("text", {})).not.toHaveProperty("value");
    expect(await answerTo("boolean", {})).toMatchObject({ variant: "off", value: false });
    const status = { key: "static", reason: "STATIC", variant: "on", value: true };
    expect(await answerTo("static", {})).toEqual(status);
  });

  test("may have any key, and need not have a result", async () => {
    expect(await answerTo("a/b 😀", {})).toMatchObject({ key: "a/b 😀", value: true });
    const raw = await open.post("/a/b 😀", { context: {} });
    expect(raw.body).toMatchObject({ key: "a/b 😀", value: true });
    expect(await answerTo("nobody", {})).toEqual({ key: "nobody", reason: "DEFAULT" });
    for (const flagKey of ["unknown", "__proto__", "toString"]) {
      const { status, body } = await open.one(flagKey, {});
      expect([status, body?.errorCode, body?.key]).toEqual([404, "FLAG_NOT_FOUND", flagKey]);
    }
  });

  test("that cannot be said is an error, also among all", async () => {
    const { status, body } = await open.one("list", { plan: "pro" });
    expect([status, body?.errorCode]).toEqual([400, "GENERAL"]);
    const all = await open.all({ plan: "pro" });
    expect(all.find(({ key }) => key === "list")).toEqual(body);
  });
});

describe("a context", () => {
  const variantOf = async (flagKey: string, context: object) =>
    (await open.one(flagKey, context)).body?.variant;

  test("has ids by several names", async () => {
    for (const name of ["device_id", "deviceId"]) {
      expect(await variantOf("device", { [name]: "d1" })).toBe("true");
    }
    const users = [1, 2, 3, 4, 5].map((index) => `user-${index}`);
    const isOn = (user_id: string) => oracle([BOOLEAN], { user_id }).boolean.key === "on";
    const [on, off] = [users.find(isOn)!, users.find((user_id) => !isOn(user_id))!];
    for (const name of ["targetingKey", "user_id", "userId"]) {
      expect(await variantOf("boolean", { [name]: on })).toBe("on");
    }
    const all = { targetingKey: off, userId: off, user_id: on };
    expect(await variantOf("boolean", all)).toBe("on");
    expect(await variantOf("boolean", { targetingKey: off, userId: on })).toBe("on");
    expect(await variantOf("boolean", { targetingKey: "", userId: on })).toBe("on");
    expect(await variantOf("boolean", { user_id: null, targetingKey: on })).toBe("on");
  });

  test("has properties at its top, or explicit ones, and groups", async () => {
    const explicit = { plan: "free", user_properties: { plan: "pro" } };
    expect(await variantOf("boolean", explicit)).toBe("on");
    expect(await variantOf("boolean", { plan: null })).toBe("off");
    expect(await variantOf("org", { groups: { org: "acme" } })).toBe("acme");
    expect(await variantOf("org", { groups: { org: ["acme", "other"] } })).toBe("acme");
    const group_properties = { org: { acme: { tier: "gold" } } };
    expect(await variantOf("org", { groups: { org: "acme" }, group_properties })).toBe("rich");
  });

  test("may be hostile", async () => {
    const inherited = '{"context":{"__proto__":{"plan":"pro"},"constructor":{"prototype":1}}}';
    const { status, body } = await open.post("/boolean", inherited);
    expect([status, body?.variant]).toEqual([200, "off"]);
    expect(({} as Json).plan).toBeUndefined();
    const deep = `{"context":${'{"a":'.repeat(9000)}1${"}".repeat(9000)}}`;
    expect((await open.post("", deep)).body?.errorCode).toBe("INVALID_CONTEXT");
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    expect((await open.post("/boolean", bytes)).body?.errorCode).toBe("PARSE_ERROR");
    const huge = await server.post("", " ".repeat(5000), { "X-API-Key": KEYS[0] });
    expect([huge.status, huge.body?.errorCode]).toEqual([413, "GENERAL"]);
    const large = { targetingKey: "x".repeat(4000), plan: "pro" };
    expect(await variantOf("boolean", large)).toBe("on");
  });

  const wrong: readonly unknown[] = [
    ...[[], "text", 5, true, { groups: [] }, { groups: { org: 5 } }, { groups: { org: [5] } }],
    ...[{ user_properties: [] }, { user_properties: "a" }, { targetingKey: 5 }],
  ];
  test.each(wrong)("is refused if it is %j", async (context) => {
    for (const path of ["", "/boolean"]) {
      const { status, body } = await open.post(path, { context });
      expect([status, body?.errorCode]).toEqual([400, "INVALID_CONTEXT"]);
      expect(body?.errorDetails).toMatch(/^context.*: expected .*, got another value$/);
      expect(body?.key).toBe(path === "" ? undefined : "boolean");
    }
  });

  test("may be missing", async () => {
    for (const body of [{}, { context: null }]) {
      expect((await open.post("/static", body)).body?.value).toBe(true);
    }
    for (const body of ["", "{", "[]", "null", '"text"']) {
      for (const path of ["", "/boolean"]) {
        const answer = await open.post(path, body);
        expect([answer.status, answer.body?.errorCode]).toEqual([400, "PARSE_ERROR"]);
      }
    }
  });
});

describe("all flags", () => {
  test("have an ETag, which changes with what they are", async () => {
    const body = { context: { targetingKey: "user-1" } };
    const key = { "X-API-Key": "client-key" };
    const first = await server.post("", body, key);
    const etag = first.headers.get("etag")!;
    expect(first.headers.get("access-control-allow-origin")).toBe("*");
    expect(first.headers.get("access-control-expose-headers")).toBe("ETag");
    const ask = (header: string, other: object = body) =>
      server.post("", other, { ...key, "If-None-Match": header });
    const second = await ask(`"other", ${etag}`);
    expect([second.status, second.body, second.headers.get("etag")]).toEqual([
      304,
      undefined,
      etag,
    ]);
    expect((await ask('"other"')).status).toBe(200);
    const pro = await ask(etag, { context: { targetingKey: "user-1", plan: "pro" } });
    expect([pro.status, pro.headers.get("etag") === etag]).toEqual([200, false]);
    server.source.update([...FLAGS, { ...FLAGS[6], key: "new" }]);
    const third = await ask(etag);
    expect([third.status, third.headers.get("etag") === etag]).toEqual([200, false]);
    expect((third.body!.flags as Json[]).map((flag) => flag.key)).toContain("new");
    server.source.update(FLAGS);
    expect((await ask(etag)).status).toBe(304);
  });

  test("follow updates in what a value is", async () => {
    const served = await OfrepServer.start([{ ...FLAGS[6] }]);
    expect((await served.all({}))[0].value).toBe(true);
    const variants = { on: { key: "on" }, blue: { key: "blue" } };
    served.source.update([{ ...FLAGS[6], variants }]);
    expect((await served.all({}))[0].value).toBe("on");
    await served.stop();
  });

  test("are for who has a key", async () => {
    for (const path of ["", "/boolean"]) {
      const { status, body } = await server.post(path, { context: {} }, { "X-API-Key": "wrong" });
      expect([status, body]).toEqual([401, undefined]);
    }
  });
});
