// Instances of a service that share a Redis: processes and a Redis that are real, and are killed.
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { statusOf } from "./evaluation-server.ts";
import { eventually } from "./eventually.ts";
import type { FlagLane } from "./flag-server.ts";
import { Fleet } from "./fleet-setup.ts";
import { hasRedis, type RedisServer, startCluster } from "./redis-server.ts";

const used: Fleet[] = [];
afterEach(async () => {
  const fleets = used.splice(0);
  await Promise.all(fleets.map((fleet) => fleet.end()));
  expect(fleets.flatMap(({ faults }) => faults)).toEqual([]);
});

async function begin(redis?: Promise<RedisServer>): Promise<Fleet> {
  const fleet = await Fleet.begin(await redis);
  used.push(fleet);
  return fleet;
}

const figures: string[] = [];
afterAll(() => {
  // For whoever wants to know; nothing is asserted of times.
  if (figures.length > 0) console.info(`fleet: ${figures.join("; ")}`);
});
const record = (what: string, millis: number) => figures.push(`${what}: ${Math.round(millis)} ms`);

test("redis-server is installed where it must be", () => {
  if (!hasRedis) console.warn("fleet: redis-server is not installed; its tests are skipped");
  expect(hasRedis || process.env.CI !== "true").toBe(true);
});

describe.skipIf(!hasRedis)("a fleet", () => {
  test("one downloads, all follow; edits of flags and cohorts converge", async () => {
    const fleet = await begin();
    const instances = await fleet.startAll(3);
    const leader = await fleet.leader();
    for (const edit of ["flags", "flags", "members"] as const) {
      if (edit === "flags") fleet.edit();
      else fleet.editCohort();
      record(`edit of ${edit}, 3 instances`, await fleet.converge());
    }
    for (const instance of instances) {
      expect(instance.lane.requests.length > 0).toBe(instance === leader);
      await eventually("its cohort is on the disk", () => instance.state?.cohorts.length === 1);
      expect(instance.state).toMatchObject({
        kind: "fleet",
        place: fleet.redis.url,
        lastError: undefined,
        fleet: { isConnected: true },
      });
      expect(instance.state!.cohorts[0]).toMatchObject({ cohortId: "cohort 3", groupType: "User" });
      expect(instance.fleet!.publication).toBe(leader.fleet!.publication);
    }
  });

  test("nothing secret lies in Redis, and nothing outdated stays", async () => {
    const fleet = await begin();
    await fleet.startAll(1);
    await fleet.redis.use(async (redis) => {
      const before = (await redis.keys("*:blob:*")).length;
      for (let edit = 0; edit < 3; edit++) {
        fleet.edit();
        await fleet.converge();
      }
      const keys = await redis.keys("*");
      const values = await Promise.all(
        keys.map(async (key) => (key.endsWith("lock") ? redis.get(key) : redis.hgetall(key))),
      );
      expect(JSON.stringify([keys, values])).not.toMatch(/server-deployment|secret-key|api-key/);
      const ttls = await Promise.all(
        keys.filter((key) => key.includes(":blob:")).map((key) => redis.ttl(key)),
      );
      expect(ttls.every((ttl) => ttl > 0)).toBe(true);
      await eventually("only as many live for long as before", async () => {
        const blobs = await redis.keys("*:blob:*");
        const left = await Promise.all(blobs.map((key) => redis.ttl(key)));
        return left.filter((ttl) => ttl > 3_600).length === before;
      });
    });
  });

  test("the leader is killed: another leads", async () => {
    const fleet = await begin();
    await fleet.startAll(3);
    const first = await fleet.leader();
    await first.kill();
    record("another leads after kill -9", await eventually("another", () => fleet.leader()));
    fleet.edit();
    await fleet.converge();
    expect(fleet.alive).toHaveLength(2);
  });

  test("the leader is stopped: it hands over, and its process ends by itself", async () => {
    const fleet = await begin();
    await fleet.startAll(2);
    const first = await fleet.leader();
    expect(await first.stop()).toBe(0);
    await fleet.leader();
    fleet.edit();
    await fleet.converge();
    expect(await fleet.alive[0].stop()).toBe(0);
    const lock = await fleet.redis.use((redis) => redis.get(fleet.keys.lock));
    expect(lock).toBeNull();
  });

  test("Redis is killed: all go on and say so; empty again, it is filled", async () => {
    const fleet = await begin();
    const instances = await fleet.startAll(2);
    await fleet.redis.kill();
    for (const instance of instances) {
      await eventually("it is disconnected", () => instance.fleet?.isConnected === false);
      await eventually("it is stale", () => instance.state?.isStale);
      expect(instance.state?.lastError).toContain(`redis ${fleet.redis.url}`);
    }
    fleet.edit();
    await fleet.redis.begin();
    await fleet.converge();
    await eventually("all is well", () =>
      instances.every(({ state }) => state?.fleet?.isConnected && !state.lastError),
    );
  });

  test("Redis has lost a part: it is published anew", async () => {
    const fleet = await begin();
    await fleet.startAll(1);
    const { publication } = (await fleet.leader()).fleet!;
    await fleet.redis.use(async (redis) => {
      for (const key of await redis.keys("*:blob:*")) await redis.del(key);
      await eventually("it is there again", async () => (await redis.keys("*:blob:*")).length >= 3);
    });
    const late = fleet.start();
    await fleet.converge();
    expect(late.fleet!.publication).toBeGreaterThan(publication!);
  });

  test("the leader is held up past its lease: it publishes nothing, and follows", async () => {
    const fleet = await begin();
    await fleet.startAll(3);
    const held = await fleet.leader();
    held.signal("SIGSTOP");
    const others = fleet.alive.filter((instance) => instance !== held);
    await fleet.leader(others);
    fleet.edit();
    await fleet.converge(others);
    // What it has asked for before is answered now, with flags that are old.
    held.lane.flags = [];
    held.signal("SIGCONT");
    await fleet.converge();
    await eventually("it follows", () => !held.isLeader);
    await fleet.leader();
  });

  test("Redis is held up: all go on and say so; then as before", async () => {
    const fleet = await begin();
    const instances = await fleet.startAll(3);
    fleet.redis.signal("SIGSTOP");
    await eventually("all are disconnected", () =>
      instances.every(({ fleet: it }) => it?.isConnected === false),
    );
    fleet.edit();
    fleet.redis.signal("SIGCONT");
    await fleet.converge();
    await fleet.leader();
  });

  test("a start while Redis is away: the snapshot's flags", async () => {
    const fleet = await begin();
    const snapshotPath = fleet.newFolder();
    const first = fleet.start({ snapshotPath });
    await fleet.converge();
    await eventually("the cohort is on the disk", () => first.state?.cohorts.length === 1);
    expect(await first.stop()).toBe(0);
    await fleet.redis.kill();
    const second = fleet.start({ snapshotPath });
    await fleet.converge();
    await eventually("it has started", () => second.isStarted);
    await eventually("it is stale", () => second.state?.isStale);
    expect(second.fleet).toMatchObject({ isConnected: false, publication: undefined });
    expect(second.state!.cohorts).toHaveLength(1);
    fleet.edit();
    await fleet.redis.begin();
    await fleet.converge();
    expect(await second.stop()).toBe(0);
  });

  test("a start with nothing: it resolves, says why, and goes on trying", async () => {
    const fleet = await begin();
    await fleet.redis.kill();
    const instance = fleet.start();
    await eventually("it has started", () => instance.isStarted);
    expect(instance.state).toMatchObject({ digest: undefined, confirmedAt: undefined });
    expect(instance.state?.lastError).toMatch(/ECONNREFUSED/);
    await fleet.redis.begin();
    await fleet.converge();
  });

  test("stopped at any time, a process ends by itself", async () => {
    const fleet = await begin();
    const hanging = fleet.start();
    hanging.lane.always.flags = () => {};
    await fleet.leader();
    const beginning = fleet.start();
    expect(await beginning.stop()).toBe(0);
    expect(await hanging.stop()).toBe(0);
    const held = [fleet.start(), fleet.start()];
    await fleet.converge();
    fleet.redis.signal("SIGSTOP");
    const late = fleet.start();
    await eventually("it says so", () => late.state?.lastError);
    for (const instance of [...held, late]) expect(await instance.stop()).toBe(0);
    await fleet.redis.kill();
    const without = fleet.start();
    await eventually("it says so", () => without.state?.lastError);
    expect(await without.stop()).toBe(0);
  });

  test("upstream is away: the fleet goes on, stale and told why", async () => {
    const fleet = await begin();
    const instances = await fleet.startAll(2);
    for (const { lane } of instances) lane.always.flags = statusOf(503);
    await eventually("all say so", () =>
      instances.every(({ state }) => state?.isStale && /503/.test(state.lastError ?? "")),
    );
    fleet.edit();
    for (const { lane } of instances) delete lane.always.flags;
    await fleet.converge();
    await eventually("all is well", () =>
      instances.every(({ state }) => !state?.isStale && !state?.lastError),
    );
  });

  test("an upstream that streams", async () => {
    const fleet = await begin();
    const upstream = (lane: FlagLane) => ({ streamServerUrl: lane.url, streamUpdates: true });
    const instances = [fleet.start({}, upstream), fleet.start({}, upstream)];
    await fleet.converge();
    fleet.edit();
    record("edit, streamed, 2 instances", await fleet.converge());
    await eventually("it is not stale", () => instances.every(({ state }) => !state?.isStale));
    expect(instances.reduce((count, { lane }) => count + lane.streams.size, 0)).toBe(1);
  });

  test("flags that cannot be used are not published", async () => {
    const fleet = await begin();
    const [instance] = await fleet.startAll(1);
    const { publication } = instance.fleet!;
    instance.lane.flags = [{ no: "flag" }];
    await eventually("it says so", () => /expected flags/.test(instance.state?.lastError ?? ""));
    fleet.edit();
    await fleet.converge();
    expect(instance.fleet!.publication).toBeGreaterThan(publication!);
  });

  test("a Redis Cluster of three nodes", async () => {
    const [first, ...others] = await startCluster(3);
    const fleet = await begin(Promise.resolve(first));
    const nodes = [first, ...others];
    const redis = nodes.map(({ url }) => url);
    try {
      const instances = [fleet.start({ redis }), fleet.start({ redis: redis[0], cluster: true })];
      await fleet.converge();
      const leader = await fleet.leader();
      await leader.kill();
      await fleet.leader();
      fleet.edit();
      record("edit, Cluster", await fleet.converge());
      const sizes = await Promise.all(nodes.map((node) => node.use((it) => it.dbsize())));
      expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThanOrEqual(5);
      const [other] = instances.filter((instance) => instance !== leader);
      for (const node of nodes) node.signal("SIGSTOP");
      await eventually("it is disconnected", () => other.fleet?.isConnected === false);
      fleet.edit();
      for (const node of nodes) node.signal("SIGCONT");
      await fleet.converge();
      expect(await other.stop()).toBe(0);
    } finally {
      await Promise.all(others.map((node) => node.end()));
    }
  });
});
