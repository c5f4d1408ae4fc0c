// Who may ask the service what: keys, pages of other origins; and what is asked without a key.
import { describe, expect, test } from "vitest";
import { flagOf } from "./agree.ts";
import { ask, runService, TestSource } from "./service-server.ts";

const flags = [flagOf("a", [{ variant: "on" }], { metadata: { evaluationMode: "local" } })];
const VARDATA = "/sdk/v2/vardata";
const FLAGS = "/sdk/v2/flags";
const STREAM = "/sdk/stream/v1/flags";
const COHORT = "/sdk/v1/cohort/c1";
const MEMBERSHIPS = "/sdk/v2/memberships/User/u";
const c1 = { cohortId: "c1", groupType: "User", memberIds: ["u"], lastModified: 1 };

const authorization = (text: string) => ({ headers: { Authorization: text } });
const basic = (text: string) => authorization(`Basic ${Buffer.from(text).toString("base64")}`);

function sourceWithCohort(): TestSource {
  const source = new TestSource(flags);
  source.setCohort(c1);
  return source;
}

describe("deployment keys", () => {
  const KEY = "server-key/+=:; 'odd\"";

  test.each([
    ["Authorization", `Api-Key ${KEY}`],
    ["authorization", `api-key  ${KEY}`],
    ["Authorization", `Bearer ${KEY}`],
    ["X-API-Key", KEY],
  ])("in %s: %s", async (name, value) => {
    const { url } = await runService({ flags, keys: ["other", KEY] });
    for (const path of [VARDATA, "/v1/vardata", "/sdk/vardata", FLAGS, "/v1/flags", MEMBERSHIPS]) {
      expect((await ask(url + path, { headers: { [name]: value } })).status).toBe(200);
    }
  });

  test.each([
    ...["", "Api-Key", "Api-Key ", "Api-Key other key", "Api-Key x", `Api-Key ${KEY}x`],
    ...[`Api-Key ${KEY.slice(1)}`, `Api-Key ${KEY.slice(0, -1)}`, `Api-Key ${KEY}${KEY}`],
    ...[`Api-Key ${KEY.toUpperCase()}`, KEY, `Basic ${KEY}`, "Bearer null"],
  ])("are refused: %j", async (value) => {
    const { url } = await runService({ flags, keys: ["other", KEY] });
    const paths = [VARDATA, "/v1/vardata", "/sdk/vardata", FLAGS, "/v1/flags", STREAM, MEMBERSHIPS];
    for (const path of paths) {
      const { status, text, headers } = await ask(url + path, authorization(value));
      expect([status, text]).toEqual([401, "Invalid deployment"]);
      expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    }
    const post = { method: "POST", body: "{}", ...authorization(value) };
    expect((await ask(url + VARDATA, post)).status).toBe(401);
    expect((await ask(url + VARDATA, {})).status).toBe(401);
  });

  test("of clients tell nobody which cohorts another one is in", async () => {
    const { url } = await runService({
      source: sourceWithCohort(),
      keys: ["client-a", "server-a"],
    });
    const { status, text } = await ask(url + MEMBERSHIPS, authorization("Api-Key client-a"));
    expect([status, JSON.parse(text).error.code]).toEqual([403, "forbidden"]);
    expect((await ask(url + MEMBERSHIPS, authorization("Api-Key server-a"))).status).toBe(200);
  });

  test("choose the deployment", async () => {
    const names = ["one", "two", "three"];
    const deployments = names.map((name) => ({
      name,
      flags: [flagOf(name, [{ variant: "on" }])],
      keys: [`${name} key`, { key: `${name} page`, kind: "client" as const }],
    }));
    const { url } = await runService({ deployments });
    for (const name of names) {
      for (const key of [`${name} key`, `${name} page`]) {
        const { text } = await ask(url + VARDATA, authorization(`Api-Key ${key}`));
        expect(Object.keys(JSON.parse(text))).toEqual([name]);
      }
    }
    expect((await ask(url + VARDATA, authorization("Api-Key four key"))).status).toBe(401);
  });

  test("are not in logs", async () => {
    const { url, log } = await runService({ flags, keys: [KEY, "client-page"] });
    await ask(url + VARDATA, authorization(`Api-Key ${KEY}`));
    await ask(url + FLAGS, authorization("Api-Key wrong-secret"));
    expect(log.length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(log)).not.toMatch(/odd|wrong-secret/);
  });
});

describe("keys of cohorts", () => {
  const cohortKeys = [
    { apiKey: "api", secretKey: "se:cret" },
    { apiKey: "äpi", secretKey: "ключ" },
  ];

  test("are an API key and a secret, separated by the first colon", async () => {
    const { url } = await runService({ source: sourceWithCohort(), keys: ["key"], cohortKeys });
    for (const text of ["api:se:cret", "äpi:ключ"]) {
      expect((await ask(url + COHORT, basic(text))).status).toBe(200);
    }
    const refused = ["api:se", "api:secret", "api", ":", "", "api:", ":se:cret", "api:se:cret:"];
    const asks = [...refused.map(basic), {}, authorization("Api-Key key"), basic("key:key")];
    for (const asked of [...asks, authorization("Basic ÿ"), authorization("Basic")]) {
      const { status, text } = await ask(url + COHORT, asked);
      expect([status, text]).toEqual([401, "Invalid api or secret key"]);
    }
  });

  test("are not needed where nothing is, and not known where only flags have keys", async () => {
    const open = await runService({ source: sourceWithCohort() });
    expect((await ask(open.url + COHORT)).status).toBe(200);
    const closed = await runService({ source: sourceWithCohort(), keys: ["key"] });
    expect((await ask(closed.url + COHORT)).status).toBe(401);
    const half = await runService({ source: sourceWithCohort(), cohortKeys });
    expect((await ask(half.url + COHORT)).status).toBe(401);
    expect((await ask(half.url + COHORT, basic("api:se:cret"))).status).toBe(200);
  });

  test("open the cohorts of the deployments that have them", async () => {
    const [mine, other] = [
      { apiKey: "a", secretKey: "s" },
      { apiKey: "b", secretKey: "s" },
    ];
    const deployments = [
      { name: "one", source: sourceWithCohort(), keys: ["1"], cohortKeys: [mine] },
      { name: "two", source: new TestSource(flags), keys: ["2"], cohortKeys: [mine, other] },
    ];
    const { url } = await runService({ deployments });
    expect((await ask(url + COHORT, basic("a:s"))).status).toBe(200);
    const { status, text } = await ask(url + COHORT, basic("b:s"));
    expect([status, text]).toEqual([404, "Cohort not found"]);
  });
});

describe("pages of other origins", () => {
  const ORIGIN = "Access-Control-Allow-Origin".toLowerCase();

  test.each([VARDATA, "/v1/vardata", "/sdk/vardata", FLAGS, "/v1/flags"])(
    "may read %s with a client key, or without keys",
    async (path) => {
      const { url } = await runService({ flags, keys: ["key", "client-key"] });
      const headersOf = async (key: string) => {
        return (await ask(url + path, authorization(`Api-Key ${key}`))).headers;
      };
      expect((await headersOf("client-key"))[ORIGIN]).toBe("*");
      expect((await headersOf("client-key"))["access-control-expose-headers"]).toBe("ETag");
      expect(await headersOf("key")).not.toHaveProperty(ORIGIN);
      // Or they would take a wrong key for a failing network.
      expect((await headersOf("wrong"))[ORIGIN]).toBe("*");
      const open = await runService({ flags });
      expect((await ask(open.url + path)).headers[ORIGIN]).toBe("*");
    },
  );

  test("may ask with all headers that Amplitude's SDKs send", async () => {
    const { url } = await runService({ flags, keys: ["key"] });
    for (const path of [VARDATA, FLAGS, STREAM, "/v1/vardata"]) {
      const { status, headers, text } = await ask(url + path, {
        method: "OPTIONS",
        headers: { Origin: "https://example.com", "Access-Control-Request-Method": "GET" },
      });
      expect([status, text, headers[ORIGIN]]).toEqual([204, "", "*"]);
      expect(headers["access-control-allow-methods"]).toBe("GET, POST, OPTIONS");
      const allowed = headers["access-control-allow-headers"]!.toLowerCase().split(", ");
      const sent = ["authorization", "content-type", "x-amp-exp-user", "x-amp-exp-flag-keys"];
      sent.push("x-amp-exp-library", "x-amp-exp-track", "x-amp-exp-exposure-track");
      expect(allowed).toEqual(expect.arrayContaining(sent));
    }
  });
});

describe("without a key", () => {
  test("/status, /healthz and /readyz say how the service is", async () => {
    const source = new TestSource(flags);
    const { url, service } = await runService({ source, keys: ["key"] });
    const readiness = async () => {
      const { status, text } = await ask(`${url}/readyz`);
      const { status: word, deployments } = JSON.parse(text);
      expect(deployments).toEqual([expect.objectContaining({ name: "default", source: "inline" })]);
      return [status, word];
    };
    expect((await ask(`${url}/status`)).text).toBe("OK");
    expect(JSON.parse((await ask(`${url}/healthz`)).text)).toEqual({ status: "ok" });
    expect((await ask(`${url}/readyz`)).headers["cache-control"]).toBe("no-store");
    expect(await readiness()).toEqual([200, "ready"]);
    source.isStale = true;
    expect(await readiness()).toEqual([200, "stale"]);
    source.isEmpty = true;
    expect(await readiness()).toEqual([503, "not-ready"]);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    source.isEmpty = false;
    service.close();
    expect(await readiness()).toEqual([503, "closing"]);
    expect((await ask(`${url}/status`, { method: "HEAD" })).status).toBe(200);
  });

  test("before there are flags, all that needs them is to be asked again", async () => {
    const source = sourceWithCohort();
    source.isEmpty = true;
    const { url } = await runService({ source });
    for (const path of [VARDATA, "/v1/vardata", FLAGS, STREAM, MEMBERSHIPS]) {
      const { status, headers, text } = await ask(url + path);
      expect([status, JSON.parse(text).error.code]).toEqual([503, "not-ready"]);
      expect(headers["retry-after"]).toBe("1");
    }
    source.isEmpty = false;
    expect((await ask(url + VARDATA)).status).toBe(200);
  });

  test("/metrics counts", async () => {
    const { url } = await runService({ source: sourceWithCohort() });
    await ask(url + VARDATA);
    await ask(url + VARDATA, { method: "POST", body: "{" });
    await ask(`${url}/nothing/secret`, { method: "ODD" }).catch(() => {});
    await ask(`${url}/nothing/secret`);
    const { text, headers } = await ask(`${url}/metrics`);
    expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
    for (const line of [
      `halyard_requests_total{route="${VARDATA}",method="GET",status="200"} 1`,
      `halyard_requests_total{route="${VARDATA}",method="POST",status="400"} 1`,
      'halyard_requests_total{route="none",method="GET",status="404"} 1',
      `halyard_request_seconds_count{route="${VARDATA}",method="GET"} 1`,
      'halyard_evaluations_total{deployment="default",kind="variants"} 1',
      "halyard_streams 0",
      'halyard_flags{deployment="default"} 1',
      'halyard_config_stale{deployment="default"} 0',
      'halyard_ready{deployment="default"} 1',
      'halyard_dropped_events{deployment="default"} 0',
      'halyard_cohort_members{deployment="default",cohort="c1"} 1',
    ]) {
      expect(lines).toContain(line);
    }
    for (const name of ["halyard_config_age_seconds", "halyard_memory_bytes"]) {
      expect(text).toMatch(new RegExp(`^${name}\\{deployment="default"\\} [\\d.e-]+$`, "m"));
    }
    expect(text).not.toContain("secret");
  });

  test.each(["GET", "POST", "PUT", "DELETE", "HEAD"])(
    "%s of no path ends nothing",
    async (method) => {
      const { url } = await runService({ flags });
      for (const path of [
        "/shutdown",
        "/shutdown/",
        "/sdk/v2",
        `${FLAGS}/`,
        "/%ff",
        "//",
        "/sdk/v2/x",
      ]) {
        const { status, headers, text } = await ask(url + path, { method });
        expect([status, headers["content-type"]]).toEqual([404, "application/json; charset=utf-8"]);
        if (method !== "HEAD") expect(JSON.parse(text).error.code).toBe("not-found");
      }
      expect((await ask(`${url}/status`)).text).toBe("OK");
    },
  );
});

test("no error is kept by a cache, and compressed bodies are refused", async () => {
  const { url } = await runService({ source: sourceWithCohort() });
  const encoded = { method: "POST", body: "{}", headers: { "Content-Encoding": "gzip" } };
  const asked: [path: string, request: object, status: number][] = [
    ["/none", {}, 404],
    ["/sdk/v1/cohort/c2", {}, 404],
    ["/sdk/v1/cohort/c1?lastModified=1", {}, 204],
    [`${VARDATA}?context=5`, {}, 400],
    [VARDATA, encoded, 415],
    ["/ofrep/v1/evaluate/flags", encoded, 415],
    ["/ofrep/v1/evaluate/flags/none", { method: "POST", body: "{}" }, 404],
  ];
  for (const [path, request, status] of asked) {
    const answer = await ask(url + path, request);
    expect([answer.status, answer.headers["cache-control"]]).toEqual([status, "no-store"]);
  }
});
