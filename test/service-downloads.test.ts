// The wire formats of downloads, by hand: flags, cohorts, the cohorts of a group.
import { rmSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { flagOf } from "./agree.ts";
import * as cohortFixture from "./cohort-fixture.ts";
import { type Answered, type Asked, ask, runService, TestSource } from "./service-server.ts";

const PATHS = ["/sdk/v2/flags", "/v1/flags"];
const [PATH] = PATHS;
const many = Array.from({ length: 40 }, (_, at) =>
  flagOf(`flag ${at} ünï 😀`, [{ variant: "on" }]),
);
const few = [flagOf("a", [{ variant: "on" }]), flagOf("b", [{ variant: "off" }])];

const accepting = (encoding: string): Asked => ({ headers: { "Accept-Encoding": encoding } });
const keysOf = (text: string) => (JSON.parse(text) as EvaluationFlag[]).map(({ key }) => key);

function decoded({ headers, bytes }: Answered): string {
  const encoding = headers["content-encoding"];
  if (encoding === "br") return brotliDecompressSync(bytes).toString();
  return (encoding === "gzip" ? gunzipSync(bytes) : bytes).toString();
}

/** What a client may accept, and what it then gets. */
const ENCODINGS: [string, string | undefined][] = [
  ["", undefined],
  ["identity", undefined],
  ["deflate, zstd", undefined],
  ["gzip", "gzip"],
  ["br", "br"],
  ["gzip, deflate, br", "br"],
  ["GZIP;q=1", "gzip"],
  ["br;q=0, gzip", "gzip"],
  ["br;q=0.2 , gzip;q=0.8", "gzip"],
  ["br;q=0,gzip;q=0", undefined],
  ["*", "br"],
  ["br;q=0, *", "gzip"],
  ["*;q=0", undefined],
  ["gzip;q=nothing", undefined],
];

describe.each(PATHS)("flags of %s", (path) => {
  test("are the whole list, with an ETag", async () => {
    const { url } = await runService({ flags: many });
    const { status, headers, text } = await ask(url + path);
    expect([status, JSON.parse(text)]).toEqual([200, JSON.parse(JSON.stringify(many))]);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(headers.etag).toMatch(/^W\/"[\w-]{20,}"$/);
    expect(headers["cache-control"]).toMatch(/^public, max-age=\d+/);
    const vary = headers.vary!.toLowerCase().split(", ").sort();
    const named = ["accept-encoding", "authorization", "x-amp-exp-flag-keys", "x-api-key"];
    expect(vary).toEqual(named);
    const head = await ask(url + path, { method: "HEAD" });
    expect([head.status, head.text, head.headers.etag]).toEqual([200, "", headers.etag]);
    expect((await ask(url + path, { method: "POST", body: "{}" })).status).toBe(404);
  });

  test("are for caches that are shared only where the key is", async () => {
    const { url } = await runService({ flags: many, keys: ["client-a", "server-a"] });
    const cachingOf = async (key: string) => {
      const answer = await ask(url + path, { headers: { Authorization: `Api-Key ${key}` } });
      return answer.headers["cache-control"];
    };
    expect(await cachingOf("client-a")).toMatch(/^public, max-age=\d+/);
    expect(await cachingOf("server-a")).toMatch(/^private, max-age=\d+/);
  });

  test("are not sent again to who has them", async () => {
    const source = new TestSource(many);
    const { url } = await runService({ source });
    const etag = (await ask(url + path)).headers.etag!;
    const since = (given: string) => ask(url + path, { headers: { "If-None-Match": given } });
    const strong = etag.slice(2);
    for (const given of [etag, strong, `"x", ${etag}`, `${strong},"y"`, "*"]) {
      const { status, headers, text } = await since(given);
      expect([status, text, headers.etag], given).toEqual([304, "", etag]);
      expect(headers).not.toHaveProperty("content-encoding");
    }
    for (const given of ['"x"', "", strong.slice(1, -1), `W/${strong.slice(0, -2)}"`]) {
      expect((await since(given)).status, given).toBe(200);
    }
    source.update(few);
    const after = await since(etag);
    expect([after.status, keysOf(after.text)]).toEqual([200, ["a", "b"]]);
    source.update(many);
    expect((await since(etag)).status).toBe(304);
  });
});

describe("flags", () => {
  test.each(ENCODINGS)("for %j come as %s", async (accepted, encoding) => {
    const { url } = await runService({ flags: many });
    const plain = await ask(url + PATH);
    expect(plain.headers).not.toHaveProperty("content-encoding");
    for (let time = 0; time < 2; time++) {
      const answer = await ask(url + PATH, accepting(accepted));
      expect(answer.headers["content-encoding"]).toBe(encoding);
      expect(answer.headers.etag).toBe(plain.headers.etag);
      expect(answer.headers.vary).toContain("Accept-Encoding");
      expect(decoded(answer)).toBe(plain.text);
    }
    expect((await ask(`${url}${PATH}?flag_keys=`, accepting(accepted))).status).toBe(200);
  });

  test("are not compressed if they are small", async () => {
    const { url } = await runService({ flags: few });
    const { headers, text } = await ask(url + PATH, accepting("gzip, br"));
    expect([headers["content-encoding"], keysOf(text)]).toEqual([undefined, ["a", "b"]]);
  });

  test("are those that are asked for", async () => {
    const web = flagOf("w", [{ variant: "on" }], { metadata: { deliveryMethod: "web" } });
    const remote = flagOf("r", [{ variant: "on" }], { metadata: { evaluationMode: "remote" } });
    const { url } = await runService({ flags: [...few, web, remote] });
    const header = Buffer.from('["b","none"]').toString("base64url");
    const asks: [string, string[], Asked?][] = [
      ["?flag_keys=a,w", ["a", "w"]],
      ["?flag_key=b", ["b"]],
      ["?flag_keys=a", ["b"], { headers: { "X-Amp-Exp-Flag-Keys": header } }],
      ["?v=0&flag_keys=", ["a", "b", "w", "r"]],
      ["?delivery_method=web", ["w"]],
      ["?delivery_method=feature&flag_keys=a,w", ["a"]],
      ["?eval_mode=remote", ["a", "b", "w", "r"]],
      ["?eval_mode=local", ["a", "b", "w"]],
    ];
    const { etag } = (await ask(url + PATH)).headers;
    for (const [query, expected, asked] of asks) {
      const { headers, text } = await ask(url + PATH + query, asked);
      expect(keysOf(text), query).toEqual(expected);
      expect(headers.etag === etag).toBe(expected.length === 4);
    }
    expect((await ask(`${url}${PATH}`, { headers: { "X-Amp-Exp-Flag-Keys": "x" } })).status).toBe(
      400,
    );
  });

  test("that a client key sees are local ones, and those that they depend on", async () => {
    const flag = (key: string, evaluationMode?: string, dependencies?: unknown) => {
      return flagOf(key, [{ variant: "on" }], { metadata: { evaluationMode }, dependencies });
    };
    const flags = [
      flag("secret", "remote"),
      flag("grandparent", "remote"),
      flag("parent", "remote", ["grandparent", "missing"]),
      flag("child", "local", ["parent"]),
      flag("no mode"),
      flag("local", "local", []),
      flag("unusable", "local", 5),
      flag("unusable parents", "local", [null, {}, "parent"]),
    ];
    const source = new TestSource(flags.slice(0, 6));
    const { url } = await runService({ source, keys: ["key", "client-key"] });
    const known = async (key: string, query = "") => {
      const headers = { Authorization: `Api-Key ${key}` };
      const { status, text } = await ask(url + PATH + query, { headers });
      return status === 200 ? keysOf(text) : status;
    };
    const locals = ["grandparent", "parent", "child", "local"];
    expect(await known("client-key")).toEqual(locals);
    expect(await known("client-key", "?flag_keys=secret,child")).toEqual(["child"]);
    expect(await known("key")).toHaveLength(6);
    // What cannot be used is left out when flags are loaded, and is in their text nevertheless.
    source.update(flags.slice(0, 6), JSON.stringify([...flags, null, "text"]));
    expect(await known("client-key")).toEqual([...locals, "unusable", "unusable parents"]);
    expect(await known("key", "?flag_keys=local")).toEqual(["local"]);
  });
});

describe("cohorts", () => {
  const LAST = 1_700_000_000_000;
  const cohort = (cohortId: string, groupType: string, memberIds: string[]) => {
    return { cohortId, groupType, memberIds, lastModified: LAST };
  };
  const COHORTS = [
    cohort("c1", "User", ["u1", "ünï 😀", "a\nb"]),
    cohort("é/ %2F?", "org id", ["acme/b c"]),
    cohort("empty", "User", []),
    cohort(
      "large",
      "User",
      Array.from({ length: 50_000 }, (_, at) => `member ${at}`),
    ),
  ];

  async function serving() {
    const flags = COHORTS.map(({ cohortId, groupType }) => {
      const type = groupType === "User" ? undefined : groupType;
      return cohortFixture.flagOf(cohortId, [cohortId], type);
    });
    const source = new TestSource(flags);
    for (const one of COHORTS) source.setCohort(one);
    const running = await runService({ source });
    const of = (cohortId: string, query = "", asked: Asked = {}) => {
      return ask(`${running.url}/sdk/v1/cohort/${encodeURIComponent(cohortId)}${query}`, asked);
    };
    return { ...running, source, of };
  }

  test("are JSON as Amplitude sends it, in any encoding", async () => {
    const { of } = await serving();
    for (const { cohortId, groupType, memberIds } of COHORTS) {
      const expected = {
        ...{ cohortId, groupType, groupTypeId: 0, size: memberIds.length, memberIds },
        ...{ lastModified: LAST, lastComputed: LAST },
      };
      for (const [accepted, encoding] of ENCODINGS.slice(1, 7)) {
        const answer = await of(cohortId, "?maxCohortSize=2147483647", accepting(accepted));
        expect([answer.status, answer.headers["content-encoding"]]).toEqual([200, encoding]);
        expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
        expect(answer.headers["cache-control"]).toBe("private, no-cache");
        expect(answer.headers.vary).toBe("Accept-Encoding, Authorization");
        expect(JSON.parse(decoded(answer))).toEqual(expected);
      }
    }
  });

  test("are as large as asked for, and newer, or they are not sent", async () => {
    const { of } = await serving();
    const answers: [string, string, number, string][] = [
      ["c1", "?maxCohortSize=2", 413, "Cohort c1 sized 3 is greater than max cohort size 2"],
      ["c1", `?maxCohortSize=2&lastModified=${LAST}`, 413, "Cohort c1 sized 3 is greater than"],
      ["c1", `?maxCohortSize=3&lastModified=${LAST}`, 204, ""],
      ["c1", `?lastModified=${LAST}`, 204, ""],
      ["c1", `?maxCohortSize=3&lastModified=${LAST - 1}`, 200, '{"cohortId":"c1"'],
      ["c1", `?lastModified=${LAST + 1}`, 200, '{"cohortId":"c1"'],
      ["empty", "?maxCohortSize=0", 200, '{"cohortId":"empty"'],
      ["other", "", 404, "Cohort not found"],
      ["c1", "?maxCohortSize=x", 400, '{"error":{"code":"invalid-query"'],
      ["c1", "?lastModified=-1", 400, '{"error":{"code":"invalid-query"'],
    ];
    for (const [cohortId, query, status, text] of answers) {
      const answer = await of(cohortId, query);
      expect([answer.status, answer.text.slice(0, text.length)], query).toEqual([status, text]);
      expect(answer.text === "").toBe(text === "");
    }
    expect((await of("c1", "", { method: "POST", body: "" })).status).toBe(404);
  });

  test("of a HEAD have no body, and a client that goes does no harm", async () => {
    const { of, url, log } = await serving();
    for (const encoding of ["gzip", "identity"]) {
      const head = await of("large", "", { method: "HEAD", ...accepting(encoding) });
      expect([head.status, head.text]).toEqual([200, ""]);
      const leaving = new AbortController();
      const headers = { "Accept-Encoding": encoding };
      await fetch(`${url}/sdk/v1/cohort/large`, { headers, signal: leaving.signal });
      leaving.abort();
    }
    expect((await of("large")).bytes.length).toBeGreaterThan(500_000);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("of which the file is gone are to be asked for again", async () => {
    const { of, source, log } = await serving();
    rmSync(source.folder, { recursive: true });
    for (const encoding of ["gzip", "identity"]) {
      const { status, headers, text } = await of("c1", "", accepting(encoding));
      expect([status, headers["retry-after"]]).toEqual([503, "1"]);
      expect(JSON.parse(text).error.code).toBe("not-ready");
      expect(text).not.toContain(source.folder);
    }
    expect(log.filter(({ level }) => level === "error")).toHaveLength(2);
    // It would be opened, and nobody would close it.
    expect((await of("c1", "", { method: "HEAD" })).status).toBe(200);
  });

  test("of a user or of a group are a list of ids", async () => {
    const { url } = await serving();
    const members: [string, number, unknown][] = [
      ["User/u1", 200, ["c1"]],
      [`User/${encodeURIComponent("ünï 😀")}`, 200, ["c1"]],
      ["User/a%0Ab", 200, ["c1"]],
      ["User/nobody", 200, []],
      [`org%20id/${encodeURIComponent("acme/b c")}`, 200, ["é/ %2F?"]],
      ["org%20id/u1", 200, []],
      ["%20/u1", 400, "Invalid group type"],
      ["User/%20", 400, "Invalid group name"],
    ];
    for (const [path, status, expected] of members) {
      const answer = await ask(`${url}/sdk/v2/memberships/${path}`);
      expect(answer.status, path).toBe(status);
      expect(status === 200 ? JSON.parse(answer.text) : answer.text, path).toEqual(expected);
      const type = status === 200 ? "application/json" : "text/plain; charset=utf-8";
      expect(answer.headers["content-type"]).toBe(type);
    }
    expect((await ask(`${url}/sdk/v2/memberships/User/`)).status).toBe(404);
  });
});
