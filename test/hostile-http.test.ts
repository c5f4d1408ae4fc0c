// Whoever sends what no client does gets a clear answer; others are served meanwhile, and the
// memory of the process stays what it was.
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServiceProcessOptions } from "./service-process.ts";

const REQUEST_MILLIS = 2_000;
const MIB = 1024 * 1024;
const BODY_MAX = MIB;

const options: ServiceProcessOptions = {
  flagsFile: fileURLToPath(new URL("../examples/flags.json", import.meta.url)),
  keys: ["server-right", "client-right"],
  limits: { requestMillis: REQUEST_MILLIS },
};
const program = fileURLToPath(new URL("../dist/test/service-process.js", import.meta.url));
const service = fork(program, [JSON.stringify(options)], { execArgv: ["--expose-gc"] });
let url: URL;

beforeAll(async () => {
  const [message] = await once(service, "message");
  url = new URL((message as { url: string }).url);
  await serveSome();
});
afterAll(() => service.kill("SIGKILL"));

/** Of the whole process, in bytes. */
async function memory(): Promise<number> {
  service.send("memory");
  const [message] = await once(service, "message");
  return (message as { memory: number }).memory;
}

async function open(): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Everything that the server says until it closes the connection. */
async function saidTo(text: string | Buffer, socket?: Socket): Promise<string> {
  const connection = socket ?? (await open());
  const chunks: Buffer[] = [];
  connection.on("data", (chunk) => chunks.push(chunk));
  connection.write(text);
  if (!connection.destroyed) await new Promise((resolve) => connection.once("close", resolve));
  return Buffer.concat(chunks).toString();
}

function head(method: string, target: string, headers: Record<string, string> = {}): string {
  const all = {
    Host: url.host,
    Authorization: "Api-Key server-right",
    Connection: "close",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

function post(body: string, headers: Record<string, string> = {}): string {
  const length = { "Content-Length": String(Buffer.byteLength(body)) };
  return head("POST", "/sdk/v2/vardata", { ...length, ...headers }) + body;
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

/** What no answer may have in it: where the service is made, and how. */
function expectNoInsight(answer: string): void {
  expect(answer).not.toMatch(/\.(js|ts):\d|node:|at \w+ \(|Error:|\/dist\//);
}

/** Another client, who is served whatever goes on. */
async function serveSome(): Promise<void> {
  const headers = { Authorization: "Api-Key server-right" };
  const response = await fetch(new URL("/sdk/v2/vardata?user_id=u1", url), { headers });
  expect(response.status).toBe(200);
  expect(Object.keys((await response.json()) as object).length).toBeGreaterThan(10);
}

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const userHeader = (value: string) => head("GET", "/sdk/v2/vardata", { "X-Amp-Exp-User": value });
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString("base64");

describe("users that are none", () => {
  test.each<[string, () => string]>([
    ["no base64", () => userHeader("%%%")],
    ["base64 with a space", () => userHeader("eyJ1 c2VyIjoxfQ==")],
    ["base64 of what is no UTF-8", () => userHeader(base64(new Uint8Array([0xff, 0xfe])))],
    ["base64 of no JSON", () => userHeader(base64("{"))],
    ["a list", () => userHeader(base64("[]"))],
    ["a text", () => userHeader(base64('"u"'))],
    ["null", () => userHeader(base64("null"))],
    ["a list of flag keys", () => head("GET", "/sdk/v2/vardata?context=[1]")],
    ["an empty body", () => post("")],
    ["a body that is no JSON", () => post("user_id=u")],
    ["a body that is no UTF-8", () => post("\ud800".repeat(3)).replace(/\ufffd/g, "")],
    ["100,000 levels", () => post(`{"user_properties":${deep(100_000)}}`)],
    ["half a million levels without an end", () => post(`{"a":${"[".repeat(500_000)}`)],
    ["levels of objects", () => post('{"a":'.repeat(1000) + "1" + "}".repeat(1000))],
  ])("%s", async (_, request) => {
    const answer = await saidTo(request());
    expect(statusOf(answer)).toBe(400);
    const { error } = JSON.parse(answer.split("\r\n\r\n")[1]);
    expect(error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    expect(error.message).not.toContain("\n");
    expectNoInsight(answer);
  });

  test("flag keys that are none", async () => {
    for (const keys of ["%", base64("{}"), base64("[1]"), base64("[[]]")]) {
      const answer = await saidTo(head("GET", "/sdk/v2/vardata", { "X-Amp-Exp-Flag-Keys": keys }));
      expect(statusOf(answer)).toBe(400);
      expectNoInsight(answer);
    }
  });

  test("60,000 properties, and a name that every object has, are evaluated", async () => {
    const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`p${at}`, at]));
    for (const user of [{ user_properties: many }, JSON.parse('{"__proto__":{"user_id":"u"}}')]) {
      expect(statusOf(await saidTo(post(JSON.stringify(user))))).toBe(200);
    }
  });
});

describe("more than is allowed", () => {
  test("a body that says so", async () => {
    const length = { "Content-Length": String(BODY_MAX + 1) };
    const answer = await saidTo(head("POST", "/sdk/v2/vardata", length));
    expect(statusOf(answer)).toBe(413);
  });

  test("a body that does not say so", async () => {
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const headers = { "Transfer-Encoding": "chunked" };
    const answer = await saidTo(head("POST", "/sdk/v2/vardata", headers) + chunk.repeat(17));
    expect(statusOf(answer)).toBe(413);
  });

  test.each<[string, Record<string, string>]>([
    ["one header of 1 MiB", { "X-Amp-Exp-User": "a".repeat(MIB) }],
    [
      "50,000 headers",
      Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`X-${at}`, "aaaaaaaa"])),
    ],
  ])("%s", async (_, headers) => {
    expect(statusOf(await saidTo(head("GET", "/sdk/v2/flags", headers)))).toBe(431);
  });

  test("20,000 flag keys", async () => {
    const keys = Array.from({ length: 20_000 }, (_, at) => at.toString(36)).join(",");
    expect(statusOf(await saidTo(head("GET", `/sdk/v2/vardata?flag_keys=${keys}`)))).toBe(431);
    const short = "a,".repeat(10_001);
    expect(statusOf(await saidTo(head("GET", `/sdk/v2/vardata?flag_keys=${short}`)))).toBe(400);
  });
});

describe("targets that are none", () => {
  test.each([
    ["/../../../../etc/passwd", 404],
    ["/..%2f..%2f..%2fetc/passwd", 404],
    ["/page/..%2f..%2fpackage.json", 404],
    ["//sdk/v2/flags", 404],
    ["/sdk/v2/flags/", 404],
    ["/sdk%2fv2%2fflags", 404],
    ["/SDK/V2/FLAGS", 404],
    ["/sdk/v2/flags%00", 404],
    ["/sdk/v1/cohort/%ff%fe", 401],
    ["/sdk/v1/cohort/..%2f..%2fetc%2fpasswd", 401],
    ["/sdk/v2/memberships/__proto__/constructor", 200],
    ["/shutdown", 404],
  ])("%s: %i", async (target, status) => {
    const answer = await saidTo(head("GET", target));
    expect(statusOf(answer)).toBe(status);
    expect(answer).not.toContain("root:");
    expectNoInsight(answer);
  });

  test("a path of 10,000 characters", async () => {
    expect(statusOf(await saidTo(head("GET", `/${"a".repeat(10_000)}`)))).toBe(404);
  });

  test.each(["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])("%s", async (method) => {
    for (const target of ["/sdk/v2/flags", "/shutdown", "/"]) {
      expect(statusOf(await saidTo(head(method, target)))).toBe(404);
    }
  });

  test("what is no HTTP", async () => {
    for (const text of [
      "\0\0\0\0\r\n\r\n",
      "GET\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ]) {
      const answer = await saidTo(`${text}\r\n\r\n`);
      expect(statusOf(answer)).toBe(400);
      expectNoInsight(answer);
    }
  });

  test("requests with two lengths, or two ends", async () => {
    const body = '{"user_id":"u"}';
    const lengths = post(body).replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n");
    const ends = post(body, { "Transfer-Encoding": "chunked" });
    for (const text of [lengths, ends]) expect(statusOf(await saidTo(text))).toBe(400);
  });
});

test("10,000 wrong keys get the same answer", async () => {
  const before = await memory();
  const answers = new Set<string>();
  for (let at = 0; at < 10_000; at += 500) {
    const socket = await open();
    const requests = Array.from({ length: 500 }, (_, index) => {
      const key = index % 3 ? `server-right${at + index}` : "x".repeat(at + index + 1);
      const isLast = index === 499;
      const connection = isLast ? "close" : "keep-alive";
      const authorization = `Api-Key ${key}`;
      return head("GET", "/sdk/v2/flags", { Authorization: authorization, Connection: connection });
    });
    const said = await saidTo(requests.join(""), socket);
    expect(said.match(/HTTP\/1\.1 401/g)).toHaveLength(500);
    for (const answer of said.split(/(?=HTTP\/1\.1)/)) answers.add(answer.split("\r\n\r\n")[1]);
  }
  expect([...answers]).toEqual(["Invalid deployment"]);
  expect((await memory()) - before).toBeLessThan(48 * MIB);
});

test("pipelined requests are answered in order", async () => {
  const keys = ["new-navigation", "request-timeout-ms", "consent-dialog"];
  const targets = Array.from({ length: 900 }, (_, at) => keys[at % 3]);
  const requests = targets.map((key, at) =>
    head("GET", `/sdk/v2/vardata?flag_keys=${key}&user_id=u`, {
      Connection: at === 899 ? "close" : "keep-alive",
    }),
  );
  const said = await saidTo(requests.join(""));
  const bodies = said.split(/(?=HTTP\/1\.1)/).map((answer) => answer.split("\r\n\r\n")[1]);
  expect(bodies.map((body) => Object.keys(JSON.parse(body))[0])).toEqual(targets);
});

test("slow requests are ended; others are served meanwhile", async () => {
  const half = head("POST", "/sdk/v2/vardata", { "Content-Length": "1000" });
  const sockets = await Promise.all(Array.from({ length: 300 }, open));
  const ended = sockets.map((socket, at) =>
    saidTo(at % 2 ? `${half}{"user_id":` : "GET /sdk/v2/flags HTTP/1.1\r\nX-Slow: ", socket),
  );
  // A byte now and then does not make it a request.
  const drip = setInterval(() => {
    for (const socket of sockets) socket.write("a");
  }, 200);
  await serveSome();
  const statuses = new Set((await Promise.all(ended)).map(statusOf));
  clearInterval(drip);
  expect([...statuses]).toEqual([408]);
  await serveSome();
});

test("clients that never read are not written to without end", async () => {
  const before = await memory();
  const request = head("GET", "/sdk/v2/flags", { Connection: "keep-alive" });
  const sockets = await Promise.all(Array.from({ length: 50 }, open));
  for (const socket of sockets) {
    socket.pause();
    socket.write(request.repeat(400));
  }
  await serveSome();
  expect((await memory()) - before).toBeLessThan(150 * MIB);
  for (const socket of sockets) socket.destroy();
  await serveSome();
});

test("10,000 connections at a time", async () => {
  const limit = Number(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
  const count = Math.min(10_000, (Number.isNaN(limit) ? 20_000 : limit) - 500);
  const before = await memory();
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: 250 }, open))));
  }
  await serveSome();
  const perConnection = ((await memory()) - before) / sockets.length;
  expect(perConnection).toBeLessThan(32 * 1024);
  // Each of them is a client.
  const answers = await Promise.all(
    sockets.slice(-500).map((socket) => saidTo(head("GET", "/healthz"), socket)),
  );
  expect(answers.filter((answer) => statusOf(answer) !== 200)).toEqual([]);
  for (const socket of sockets) socket.destroy();
  await serveSome();
});

test("a service that is told to end answers first what it was asked", async () => {
  const socket = await open();
  const body = '{"user_id":"u"}';
  const whole = post(body);
  socket.write(whole.slice(0, -5));
  await serveSome();
  const exited = once(service, "exit");
  service.send("stop");
  const said = saidTo(whole.slice(-5), socket);
  expect(statusOf(await said)).toBe(200);
  expect(await exited).toEqual([0, null]);
  await expect(fetch(new URL("/healthz", url))).rejects.toThrow();
});
