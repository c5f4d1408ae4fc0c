// Processes of their own, which end by themselves; and what is in the log of all that goes wrong.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { type LoggerProvider, LogLevel } from "halyard";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resolveConfig } from "../src/local/config.ts";
import { secretsOf } from "../src/local/secrets.ts";
import { Log } from "../src/sdk/log.ts";
import { bodyOf, jsonOf, reset, statusOf } from "./evaluation-server.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import { cohortFlag, flagFor, OFTEN, ourClient, until } from "./local-clients.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await FlagServer.listen();
});
afterAll(() => server.close());

/** What a process prints; it is killed, and this rejects, unless it ends by itself. */
function run(lane: FlagLane, config: object, body: string): Promise<string> {
  const script = `
    import { Experiment } from "halyard";
    const config = ${JSON.stringify({ ...lane.config, ...config })};
    const client = Experiment.initializeLocal("key", config);
    ${body}`;
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const args = ["--input-type=module", "--eval", script];
  return new Promise((ended, failed) => {
    execFile(process.execPath, args, { cwd, timeout: 8_000 }, (error, stdout, stderr) =>
      error ? failed(error) : ended(stdout + stderr),
    );
  });
}

const evaluate = `
  console.log(client.evaluateV2({ user_id: "u" }, [], { tracksExposure: true }).a.key);`;

test.each([
  ["polls", {}],
  ["polls often", { flagConfigPollingIntervalMillis: 1 }],
  ["streams", { streamUpdates: true }],
])("a process that %s ends when the client is stopped", async (_, config) => {
  const lane = server.lane([cohortFlag("a", "c1")]);
  lane.cohorts = { c1: { groupType: "User", memberIds: ["u"] } };
  const body = `await client.start(); ${evaluate} await client.stop();`;
  expect(await run(lane, config, body)).toBe("on\n");
  for (const apiKey of ["exposure-key", "assignment-key"]) {
    expect(lane.eventsOf(apiKey)).toHaveLength(1);
  }
  await until(() => lane.streams.size === 0);
});

test("a process ends after a start that fails", async () => {
  const lane = server.lane();
  lane.always.flags = statusOf(401);
  lane.always.stream = statusOf(401);
  const body = "await client.start().catch((error) => console.log(error.status));";
  for (const streamUpdates of [false, true]) {
    expect(await run(lane, { streamUpdates }, body)).toBe("401\n");
  }
});

test("a process ends while everything hangs, once the client is stopped", async () => {
  const lane = server.lane([cohortFlag("a", "c1")]);
  lane.always.cohort = () => {};
  const body = `
    client.start().catch((error) => console.log(error.name));
    setTimeout(() => client.stop(), 300);`;
  expect(await run(lane, { streamUpdates: true }, body)).toBe("AbortError\n");
});

const KEYS = ["deploy-s3cret", "api-s3cret", "s3cret", "exposure-s3cret", "assignment-s3cret"];
const BASIC = Buffer.from(`${KEYS[1]}:${KEYS[2]}`).toString("base64");

test("no log line has a key in it, whatever goes wrong", async () => {
  const lines: unknown[] = [];
  const write = (...line: unknown[]) => void lines.push(line);
  const provider: LoggerProvider = {
    error: write,
    warn: write,
    info: write,
    debug: write,
    verbose: write,
  };
  const echo = bodyOf(`<p>Api-Key ${KEYS[0]}, Basic ${BASIC}`, "text/html");
  const faults = [statusOf(500), reset, echo, jsonOf(KEYS), jsonOf([{ key: KEYS[0] }])];
  const lane = server.lane([flagFor("a")]);
  lane.cohorts = { c1: { groupType: "User", memberIds: ["u"] } };
  lane.always.stream = echo;
  const [deploymentKey, apiKey, secretKey, exposureKey, assignmentKey] = KEYS;
  const { cohortSyncConfig, exposureConfig, assignmentConfig } = lane.config;
  const client = ourClient(
    lane,
    {
      cohortSyncConfig: { ...cohortSyncConfig, apiKey, secretKey },
      exposureConfig: { ...exposureConfig, apiKey: exposureKey },
      assignmentConfig: { ...assignmentConfig, apiKey: assignmentKey },
      streamUpdates: true,
      flagConfigPollingIntervalMillis: OFTEN,
      loggerProvider: provider,
      logLevel: LogLevel.Verbose,
    },
    deploymentKey,
  );
  const errors: unknown[] = [];
  client.on("error", ({ detail }) => errors.push(detail.error));
  for (const fault of [echo, jsonOf(KEYS)]) {
    lane.once.flags = Array(5).fill(fault);
    await client.start().catch((error) => errors.push(error));
  }
  await client.start();
  lane.once.flags = [...faults];
  lane.once.upload = [statusOf(400), echo];
  client.evaluateV2({ user_id: "u" }, [], { tracksExposure: true });
  await until(() => lane.once.flags!.length === 0);
  lane.once.cohort = [echo, jsonOf({ memberIds: KEYS }), statusOf(403)];
  lane.flags = [cohortFlag("a", "c1", "c2")];
  await until(() => client.status().cohorts.length === 2);
  await client.stop();
  expect(lines.length).toBeGreaterThan(faults.length);
  expect(errors.length).toBeGreaterThan(faults.length);
  for (const text of [...lines, ...errors, client.status().lastError].map((it) => inspect(it))) {
    expect(text).not.toContain(BASIC);
    expect(text).not.toMatch(/s3cret/);
  }
});

test("a key that no header can hold is in no error", async () => {
  for (const key of ["s3cret\nkey", "s3cret ключ"]) {
    const lane = server.lane();
    const client = ourClient(lane, {}, key);
    const error = await client.start().catch((error) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error)).not.toMatch(/s3cret/);
    expect(lane.requests).toEqual([]);
  }
});

test("what requests carry of keys is a secret, and of two keys the longer one comes first", () => {
  const cohortSyncConfig = { apiKey: "key", secretKey: "key 2" };
  const exposureConfig = { apiKey: "key 2 3" };
  const config = resolveConfig({ cohortSyncConfig, exposureConfig });
  const log = new Log({ loggerProvider: { error: (text: string) => lines.push(text) } as never }, [
    ...secretsOf("deploy", config),
  ]);
  const lines: string[] = [];
  log.error(`${Buffer.from("key:key 2").toString("base64")}|key 2 3|key 2|key|deploy`);
  expect(lines).toEqual([`[Experiment] ${Array(5).fill("[secret]").join("|")}`]);
});

test("the log has what the level lets through", async () => {
  const levels: string[] = [];
  const texts: string[] = [];
  const write = (level: string) => (text: string) => {
    levels.push(level);
    texts.push(text);
  };
  const loggerProvider = {
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: write("debug"),
    verbose: write("verbose"),
  };
  const lane = server.lane([cohortFlag("a", "c1"), { key: "b" }]);
  const often = { flagConfigPollingIntervalMillis: OFTEN };
  const polls = () => lane.requestsOf("flags").length;
  const fail = async (logLevel: LogLevel) => {
    levels.length = 0;
    const instanceName = `level ${logLevel}`;
    const client = ourClient(lane, { ...often, loggerProvider, logLevel, instanceName });
    await client.start();
    lane.once.flags = [statusOf(500)];
    const before = polls();
    await until(() => polls() > before + 1);
    await client.stop();
    return new Set(levels);
  };
  expect(await fail(LogLevel.Disable)).toEqual(new Set());
  expect(await fail(LogLevel.Error)).toEqual(new Set(["error"]));
  expect(await fail(LogLevel.Warn)).toEqual(new Set(["error", "warn"]));
  for (const text of texts) expect(text).toMatch(/^\[Experiment\] /);
  expect(texts.join("\n")).toMatch(/flags\["b"\].*expected/);
});
