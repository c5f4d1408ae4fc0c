// The command `halyard serve`: what it says, what it serves, how it ends; and its threads.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { FlagServer } from "./flag-server.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { home, ServeCommand } from "./serve-command.ts";

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const examples = path("examples/flags.json");
const flags: EvaluationFlag[] = JSON.parse(readFileSync(examples, "utf8"));
async function variantsOf(url: string, user: object, headers: Record<string, string> = {}) {
  const header = { "X-Amp-Exp-User": Buffer.from(JSON.stringify(user)).toString("base64url") };
  const response = await fetch(`${url}/sdk/v2/vardata`, { headers: { ...header, ...headers } });
  expect(response.status).toBe(200);
  return response.json() as Promise<Record<string, { key: string }>>;
}

const users = Array.from({ length: 40 }, (_, at) => ({
  user_id: `user-${at}`,
  device_id: `device-${at}`,
  country: ["Germany", "France", "Austria"][at % 3],
}));

describe.each([
  ["in one thread", "1"],
  ["in two threads", "2"],
])("%s", (_, workers) => {
  test("the examples are served as the oracle evaluates them", async () => {
    const command = new ServeCommand(["--flags", examples, "--port", "0", "--workers", workers]);
    const url = await command.url();
    expect(command.stdout).toContain(`20 flags from ${examples}`);
    for (const user of users) {
      expect(await variantsOf(url, user)).toEqual(evaluateWithOracle(flags, { user }));
    }
    const curl = /curl '(\S+)'/.exec(command.stdout)?.[1];
    expect((await fetch(curl!)).status).toBe(200);
    expect((await fetch(`${url}/`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('halyard_flags{deployment="default"} 20');
    expect(metrics).toMatch(/halyard_evaluations_total\{.*kind="variants"\} 41/);
    expect(metrics).toContain("process_resident_memory_bytes");
  });

  test("an edit reaches all, streams too; a broken one is said", async () => {
    const file = join(home, `flags-${workers}.json`);
    const version = (key: string): EvaluationFlag[] => [
      { key: "flag", variants: { [key]: { key } }, segments: [{ variant: key }] },
    ];
    writeFileSync(file, JSON.stringify(version("one")));
    const command = new ServeCommand(["--flags", file, "--port", "0", "--workers", workers]);
    const url = await command.url();
    const stream = await fetch(`${url}/sdk/stream/v1/flags`);
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain('"one"');
    writeFileSync(file, JSON.stringify(version("two")));
    expect((await reader.read()).value).toContain('"two"');
    await reader.cancel();
    // Each connection may be another thread's.
    await eventually("all threads have the edit", async () => {
      const answers = await Promise.all(users.slice(0, 8).map((user) => variantsOf(url, user)));
      return answers.every(({ flag }) => flag.key === "two");
    });
    writeFileSync(file, '[{"key": "flag"');
    await eventually("it says that the file is broken", async () => {
      const { status, deployments } = (await (await fetch(`${url}/readyz`)).json()) as {
        status: string;
        deployments: { lastError?: string }[];
      };
      return status === "stale" && /flags-\d\.json:1:16: /.test(deployments[0].lastError ?? "");
    });
    expect(Object.keys(await variantsOf(url, {}))).toEqual(["flag"]);
    await command.until(/"level":"warn".*flags are stale/);
  });

  test.each([
    ["SIGTERM", 0],
    ["SIGINT", 130],
  ] as const)("%s ends it, with %i", async (signal, code) => {
    const command = new ServeCommand(["--flags", examples, "--port", "0", "--workers", workers]);
    const url = await command.url();
    const stream = await fetch(`${url}/sdk/stream/v1/flags`);
    command.child.kill(signal);
    expect(await command.exit()).toBe(code);
    // A stream ends as streams do, not as a connection that is cut off.
    expect(await stream.text()).toContain("data: ");
  });
});

test("a deployment key and its cohorts come from the environment", async () => {
  const server = await FlagServer.listen();
  const lane = server.lane(flags);
  const config = join(home, "upstream.yaml");
  writeFileSync(
    config,
    `
keys: [client-abc, "\${KEY}"]
upstream:
  deploymentKey: \${KEY}
  serverUrl: ${lane.url}
snapshotPath: snapshot
`,
  );
  const command = new ServeCommand(["--config", config, "--port", "0"], {
    KEY: "server-secret-key",
  });
  const url = await command.url();
  const key = { Authorization: "Api-Key server-secret-key" };
  const [user] = users;
  expect(await variantsOf(url, user, key)).toEqual(evaluateWithOracle(flags, { user }));
  expect((await fetch(`${url}/sdk/v2/flags`)).status).toBe(401);
  expect((await fetch(`${url}/`)).status).toBe(404);
  expect(lane.requests[0].headers.authorization).toBe("Api-Key server-secret-key");
  server.close();
  command.child.kill("SIGTERM");
  expect(await command.exit()).toBe(0);
  expect(command.stdout + command.stderr).not.toContain("secret-key");
});

test("threads end while connections come", async () => {
  const args = ["--flags", examples, "--port", "0", "--workers", "2"];
  const command = new ServeCommand(args);
  const url = await command.url();
  const ended = command.exit();
  const asking = Array.from({ length: 20 }, async () => {
    const headers = { Connection: "close" };
    while (command.child.exitCode === null && command.child.signalCode === null) {
      await fetch(`${url}/healthz`, { headers }).catch(() => {});
    }
  });
  await fetch(`${url}/healthz`);
  command.child.kill("SIGTERM");
  expect(await ended).toBe(0);
  await Promise.all(asking);
});

test("a thread that fails ends the process, after what is being answered", async () => {
  const preload = join(home, "fail.mjs");
  writeFileSync(
    preload,
    `
import { isMainThread, threadId } from "node:worker_threads";
const channel = new BroadcastChannel("fail");
channel.unref();
if (isMainThread) process.on("SIGUSR2", () => channel.postMessage("fail"));
else channel.onmessage = () => { throw new Error("of thread " + threadId); };
`,
  );
  const args = ["--flags", examples, "--port", "0", "--workers", "2"];
  const command = new ServeCommand(args, { NODE_OPTIONS: `--import ${pathToFileURL(preload)}` });
  const url = await command.url();
  const stream = await fetch(`${url}/sdk/stream/v1/flags`);
  command.child.kill("SIGUSR2");
  expect(await command.exit()).toBe(1);
  expect(command.stderr).toMatch(/^halyard: a thread was lost: of thread \d$/m);
  expect(await stream.text()).toContain("data: ");
});

test("it serves although nobody reads what it says, and without a Host", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  await new Promise((resolve) => other.close(resolve));
  const command = new ServeCommand([
    "--flags",
    examples,
    "--port",
    `${port}`,
    "--log-level",
    "debug",
  ]);
  command.child.stdout?.destroy();
  command.child.stderr?.destroy();
  await eventually("it serves", () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(Boolean, () => false),
  );
  const socket = connect(port, "127.0.0.1").end("GET /readyz HTTP/1.0\r\n\r\n");
  expect((await socket.toArray()).join("")).toMatch(/^HTTP\/1\.1 200 /);
  command.child.kill("SIGTERM");
  expect(await command.exit()).toBe(0);
});

test("a zone that is none is not taken for another", async () => {
  const env = { HALYARD_DEPLOYMENT_KEY: "key", HALYARD_SERVER_ZONE: "asia" };
  const command = new ServeCommand(["--port", "0"], env);
  expect(await command.exit()).toBe(2);
  expect(command.stderr).toBe('halyard: HALYARD_SERVER_ZONE: expected us or eu, got "asia"\n');
});

describe("what cannot be served is said in one line", () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return name;
  };
  test.each<[string, string[], number, RegExp]>([
    ["nothing", [], 2, /expected --flags, --config or HALYARD_DEPLOYMENT_KEY/],
    ["no such file", ["--flags", "none.json"], 1, /none\.json: expected a readable file/],
    ["no flags", ["--flags", file("a.json", "5")], 1, /a\.json: expected/],
    ["a port that is none", ["--flags", examples, "--port", "70000"], 2, /from 0 to 65535/],
    ["no workers", ["--flags", examples, "--workers", "0"], 2, /from 1 to 256/],
    ["an unknown option", ["--flag", examples], 2, /unknown option '--flag'/],
    ["no configuration", ["--config", "none.yaml"], 2, /none\.yaml: expected a readable file/],
    [
      "keys beside deployments",
      ["--config", file("g.yaml", `keys: [k]\ndeployments: [{ flags: ${examples} }]`)],
      1,
      /^halyard: keys: expected it of one of the deployments/,
    ],
    [
      "a directory of cohorts that is none, for flags of a configuration",
      ["--config", file("h.yaml", `flags: ${examples}`), "--cohorts", "none"],
      1,
      /none: expected a directory of cohorts/,
    ],
    ["no YAML", ["--config", file("b.yaml", "a: [")], 2, /b\.yaml:1:\d+: /],
    [
      "an alias of nothing",
      ["--config", file("i.yaml", "keys: [*key]")],
      2,
      /i\.yaml: expected aliases/,
    ],
    ["a list in itself", ["--config", file("j.yaml", "keys: &a [*a]")], 2, /j\.yaml: expected al/],
    [
      "an option that is none",
      ["--config", file("c.yaml", "upstreem: 1")],
      2,
      /upstreem: expected/,
    ],
    [
      "an environment without the key",
      ["--config", file("d.yaml", "upstream: { deploymentKey: '${NONE}' }")],
      2,
      /upstream\.deploymentKey: expected NONE in the environment/,
    ],
    [
      "deployments that share a key",
      [
        "--config",
        file(
          "e.yaml",
          `deployments: [{name: a, keys: [k], flags: ${examples}},
            {name: b, keys: [k], flags: ${examples}}]`,
        ),
      ],
      1,
      /deployments a and b: expected keys of their own/,
    ],
  ])("%s", async (_, args, code, pattern) => {
    const command = new ServeCommand(args);
    expect(await command.exit()).toBe(code);
    expect(command.stderr.trimEnd()).toMatch(/^halyard: .*$/);
    expect(command.stderr).toMatch(pattern);
  });

  test.each(["1", "2"])("a port that is in use, with %s workers", async (workers) => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const command = new ServeCommand([
      "--flags",
      examples,
      "--port",
      `${port}`,
      "--workers",
      workers,
    ]);
    expect(await command.exit()).toBe(1);
    expect(command.stderr).toContain(
      `127.0.0.1:${port}: expected a free port, got one that is in use`,
    );
    other.close();
  });
});
