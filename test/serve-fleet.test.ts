// Three processes of `halyard serve` on one Redis: what they answer, and what they say.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EvaluationFlag } from "halyard/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { hasRedis, RedisServer } from "./redis-server.ts";
import { home, ServeCommand } from "./serve-command.ts";

const KEY = "server-key-of-the-fleet";
const users = Array.from({ length: 8 }, (_, at) => ({ user_id: `user-${at}` }));
const inCohort = { selector: ["context", "user", "cohort_ids"], op: "set contains any" };

function flagsOf(version: number): EvaluationFlag[] {
  const key = `v${version}`;
  return [
    {
      key: "flag",
      variants: { [key]: { key }, member: { key: "member" } },
      segments: [
        { conditions: [[{ ...inCohort, values: ["c1"] }]], variant: "member" },
        { variant: key },
      ],
    },
  ];
}

interface Health {
  status: string;
  deployments: { isStale: boolean; fleet: { role: string; isConnected: boolean } }[];
}

let redis: RedisServer;
let upstream: FlagServer;
let lane: FlagLane;
let version = 0;

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await RedisServer.start();
  upstream = await FlagServer.listen();
  lane = upstream.lane(flagsOf(version));
  lane.cohorts = { c1: { groupType: "User", memberIds: ["user-1", "user-3"] } };
});
afterAll(async () => {
  upstream?.close();
  await redis?.kill();
});

/** A process with a snapshot of its own. */
async function serveOne(name: string) {
  const config = join(home, `${name}.yaml`);
  const { serverUrl, streamServerUrl, cohortSyncConfig } = lane.config;
  const options = { deploymentKey: KEY, serverUrl, streamServerUrl, streamUpdates: true };
  writeFileSync(
    config,
    JSON.stringify({
      keys: [KEY],
      upstream: { ...options, cohortSyncConfig },
      snapshotPath: `snapshot-${name}`,
      port: 0,
    }),
  );
  const command = new ServeCommand(["--config", config, "--workers", "2"], {
    HALYARD_REDIS_URL: redis.url,
  });
  const url = await command.url();
  const get = async (path: string) => {
    const response = await fetch(url + path, { headers: { Authorization: `Api-Key ${KEY}` } });
    return { status: response.status, body: await response.json() };
  };
  const health = async () => (await get("/readyz")).body as Health;
  const isLeader = async () => (await health()).deployments[0].fleet.role === "leader";
  return { command, url, get, health, isLeader };
}

type Process = Awaited<ReturnType<typeof serveOne>>;

async function expectAnswers({ get }: Process): Promise<void> {
  const members = new Set(["user-1", "user-3"]);
  for (const user of users) {
    const cohort_ids = members.has(user.user_id) ? ["c1"] : [];
    const { status, body } = await get(`/sdk/v2/vardata?user_id=${user.user_id}`);
    expect(status).toBe(200);
    expect(body).toEqual(evaluateWithOracle(flagsOf(version), { user: { ...user, cohort_ids } }));
  }
}

/** Edits upstream and waits until all have it. */
async function edit(processes: readonly Process[]): Promise<void> {
  lane.push(flagsOf(++version));
  await eventually("all have the edit", async () => {
    const answers = processes.map(({ get }) => get("/sdk/v2/vardata?user_id=user-0"));
    return (await Promise.all(answers)).every(
      ({ body }) => (body as { flag: { key: string } }).flag.key === `v${version}`,
    );
  });
  for (const process of processes) await expectAnswers(process);
}

test.skipIf(!hasRedis && !process.env.CI)("three processes are one service", async () => {
  const processes = [await serveOne("a"), await serveOne("b"), await serveOne("c")];
  for (const process of processes) await expectAnswers(process);
  await edit(processes);
  const leaders = await Promise.all(processes.map(({ isLeader }) => isLeader()));
  expect(leaders.filter(Boolean)).toHaveLength(1);

  const leader = processes.splice(leaders.indexOf(true), 1)[0];
  leader.command.child.kill("SIGKILL");
  for (const process of processes) await expectAnswers(process);
  await eventually("another leads", async () => {
    return (await Promise.all(processes.map(({ isLeader }) => isLeader()))).includes(true);
  });
  await edit(processes);

  await redis.kill();
  await eventually("all say that Redis is away", async () => {
    const all = await Promise.all(processes.map(({ health }) => health()));
    return all.every(({ deployments }) => !deployments[0].fleet.isConnected);
  });
  for (const process of processes) await expectAnswers(process);
  const metrics = await (await fetch(`${processes[0].url}/metrics`)).text();
  expect(metrics).toContain('halyard_fleet_connected{deployment="default"} 0');

  await redis.begin();
  await edit(processes);
  for (const { command } of processes) {
    command.child.kill("SIGTERM");
    expect(await command.exit()).toBe(0);
    expect(command.stdout + command.stderr).not.toContain(KEY);
  }
});
