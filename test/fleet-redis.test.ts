// What lies in a fleet's Redis and is not what it should be; who may publish; what is large.
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { type BlobRef, BlobStore } from "../src/service/fleet/blob-store.ts";
import { Board, LeadLost } from "../src/service/fleet/board.ts";
import { FleetKeys } from "../src/service/fleet/keys.ts";
import { RedisLink } from "../src/service/fleet/redis-link.ts";
import { eventually } from "./eventually.ts";
import { Fleet } from "./fleet-setup.ts";
import { hasRedis, RedisServer } from "./redis-server.ts";

const used: { end(): Promise<void>; faults?: string[] }[] = [];
afterEach(async () => {
  const fleets = used.splice(0);
  await Promise.all(fleets.map((fleet) => fleet.end()));
  expect(fleets.flatMap(({ faults = [] }) => faults)).toEqual([]);
});

async function begin(redis?: Promise<RedisServer>): Promise<Fleet> {
  const fleet = await Fleet.begin(await redis);
  used.push(fleet);
  return fleet;
}

type Put = (redis: Redis, key: string, number: number) => Promise<unknown>;
const GARBAGE: [string, Put][] = [
  ["another thing", (redis, key) => redis.set(key, "garbage")],
  ["a hash of another thing", (redis, key) => redis.hset(key, { number: "x", confirmedAt: "1" })],
  ["no JSON", (redis, key, number) => redis.hset(key, { number, text: "{" })],
  ["of another format", (redis, key, number) => redis.hset(key, { number, text: '{"format":2}' })],
  [
    "of blobs that are missing",
    async (redis, key, number) => {
      const text = (await redis.hget(key, "text"))!;
      await redis.hset(key, { number, text: text.replaceAll(/"[0-9a-f]{32,}"/g, otherHex) });
    },
  ],
  [
    "of a cohort that is damaged",
    async (redis, key, number) => {
      const publication = JSON.parse((await redis.hget(key, "text"))!);
      publication.cohorts[0][1].blob.sha256 = "0".repeat(64);
      await redis.hset(key, { number, text: JSON.stringify(publication) });
    },
  ],
];

function otherHex(quoted: string): string {
  return quoted.replaceAll("a", "b").replaceAll("1", "2");
}

describe.skipIf(!hasRedis)("a fleet", () => {
  test("a wrong password: it says so, without the password", async () => {
    const fleet = await begin(RedisServer.start("--requirepass", "the right password"));
    const redis = fleet.redis.url.replace("//", "//:hunter2%21@");
    const instance = fleet.start({ redis });
    await eventually("it has started", () => instance.isStarted);
    expect(instance.state?.lastError).toMatch(/WRONGPASS/);
    expect(instance.fleet?.isConnected).toBe(false);
    expect(JSON.stringify([instance.states, instance.lines])).not.toContain("hunter2");
    const right = fleet.start({ redis: fleet.redis.url.replace("//", "//:the right password@") });
    await fleet.converge([right]);
    expect(right.state?.place).toBe(fleet.redis.url);
  });

  test.each(GARBAGE)("a publication that is %s is refused; the old flags stay", async (_, put) => {
    const fleet = await begin();
    const [instance] = await fleet.startAll(1);
    const { lock, publication } = fleet.keys;
    await fleet.redis.use(async (redis) => {
      // Nobody leads who would mend it.
      await redis.set(lock, "somebody else");
      await eventually("it follows", () => !instance.isLeader);
      const number = Number(await redis.hget(publication, "number")) + 1;
      await put(redis, publication, number);
      await eventually("it says so", () => instance.state?.lastError);
      expect(instance.state).toMatchObject({ isStale: true, fleet: { isConnected: true } });
      expect(instance.state?.lastError).toMatch(/the publication in Redis|blob/);
      await redis.del(lock);
    });
    fleet.edit();
    await fleet.converge();
    await eventually("all is well", () => !instance.state?.isStale && !instance.state?.lastError);
  });

  test("what is published is replaced while somebody leads: it is mended", async () => {
    const fleet = await begin();
    const [instance] = await fleet.startAll(1);
    const { publication } = instance.fleet!;
    const garbage = { number: publication! + 1, text: "garbage" };
    await fleet.redis.use((redis) => redis.hset(fleet.keys.publication, garbage));
    await eventually("it says so", () =>
      /the publication in Redis/.test(`${instance.state?.lastError}`),
    );
    await eventually("another is live", () => instance.fleet!.publication! > garbage.number);
    expect(instance.state).toMatchObject({ isStale: false, lastError: undefined });
  });

  test("Redis has no room: the old flags stay", async () => {
    const fleet = await begin();
    const instances = await fleet.startAll(2);
    await fleet.redis.use((redis) => redis.config("SET", "maxmemory", "1"));
    fleet.edit();
    await eventually("it says so", () =>
      instances.some(({ state }) => /OOM/.test(state?.lastError ?? "")),
    );
    await fleet.redis.use((redis) => redis.config("SET", "maxmemory", "0"));
    await fleet.converge();
  });

  test("a user who has no other rights than it needs", async () => {
    const fleet = await begin();
    const rights = [..."+auth +select +get +set +del +unlink +type +hget +hset +hmget".split(" ")];
    rights.push(..."+hlen +pexpire +eval +time +info ~halyard:* ~{halyard:*".split(" "));
    await fleet.redis.use((redis) => redis.acl("SETUSER", "fleet", "on", ">secret", ...rights));
    const redis = fleet.redis.url.replace("//", "//fleet:secret@");
    const instance = fleet.start({ redis });
    await fleet.converge();
    fleet.edit();
    await fleet.converge();
    await eventually("all is well", () => !instance.state?.lastError);
  });

  test.each([
    // Any bytes will do for an image of another version.
    ["an image of another version", ({ flags }: { flags: object }) => ({ image: flags })],
    ["an image that is another than it is said to be", () => ({ digest: "0".repeat(16) })],
  ])("%s: the flags are compiled here", async (_, change) => {
    const fleet = await begin();
    const [leader] = await fleet.startAll(1);
    await fleet.redis.use(async (redis) => {
      await redis.set(fleet.keys.lock, "somebody else");
      await eventually("it follows", () => !leader.isLeader);
      const publication = JSON.parse((await redis.hget(fleet.keys.publication, "text"))!);
      const text = JSON.stringify({ ...publication, ...change(publication) });
      await redis.hset(fleet.keys.publication, { text });
    });
    const late = fleet.start();
    await fleet.converge();
    await eventually("it says so", () => late.lines.join().includes("image"));
    expect(late.state).toMatchObject({ lastError: undefined, digest: leader.state!.digest });
  });
});

describe.skipIf(!hasRedis)("a board", () => {
  async function boardOf() {
    const redis = await RedisServer.start();
    used.push(redis);
    const link = new RedisLink({ redis: redis.url, cluster: false, timeoutMillis: 5_000 });
    used.push({ end: async () => link.close() });
    await link.open();
    const keys = new FleetKeys("test", randomUUID());
    return { redis, keys, board: new Board(link, keys), blobs: new BlobStore(link, keys) };
  }
  const news = { confirmedAt: 1, error: "" };

  test("only who leads publishes, renews and resigns", async () => {
    const { board, redis, keys } = await boardOf();
    expect(await board.lead("a", 60_000)).toBe(true);
    expect(await board.lead("b", 60_000)).toBe(false);
    const first = await board.publish("a", 0, "first", news);
    await expect(board.publish("b", 0, "second", news)).rejects.toThrow(LeadLost);
    await expect(board.renew("b", 60_000, first, news)).rejects.toThrow(LeadLost);
    await board.resign("b");
    expect(await board.read()).toEqual({ ...news, number: first, text: "first" });
    expect(await board.renew("a", 60_000, first, { confirmedAt: 7, error: "e" })).toBe(first);
    expect(await board.head()).toEqual({ number: first, confirmedAt: 7, error: "e" });
    // The lease is over, and somebody else leads.
    await redis.use((it) => it.del(keys.lock));
    await expect(board.publish("a", 0, "second", news)).rejects.toThrow(LeadLost);
    expect(await board.lead("b", 60_000)).toBe(true);
    await expect(board.publish("a", 0, "second", news)).rejects.toThrow(LeadLost);
    expect((await board.read())?.text).toBe("first");
  });

  test("numbers grow, whatever Redis has lost or holds", async () => {
    const { board, redis, keys } = await boardOf();
    const publish = async (floor: number) => {
      await board.lead("a", 60_000);
      return board.publish("a", floor, "text", news);
    };
    const numbers = [await publish(0), await publish(0)];
    const [seconds, micros] = await redis.use((it) => it.time());
    await redis.use((it) => it.flushall());
    numbers.push(await publish(numbers[1]));
    expect(numbers[2]).toBeGreaterThanOrEqual(Number(seconds) * 1_000 + Number(micros) / 1_000 - 1);
    const ahead = numbers[2] + 1_000_000;
    numbers.push(await publish(ahead), await publish(0));
    await redis.use((it) => it.flushall());
    numbers.push(await publish(ahead + 2));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    await redis.use((it) => it.hset(keys.publication, "number", "9e300"));
    expect(Number.isSafeInteger(await publish(0))).toBe(true);
    expect((await board.head())?.number).toBeGreaterThan(numbers[0]);
  });

  test("large bytes lie in parts, and are checked when they are read", async () => {
    const { blobs, redis, keys } = await boardOf();
    const bytes = Buffer.alloc(2_500_000, "some bytes, ");
    const ref = await blobs.put(bytes);
    expect(await blobs.put(bytes, ref)).toBe(ref);
    expect((await blobs.bytes(ref)).equals(bytes)).toBe(true);
    expect(await blobs.extend([ref])).toEqual(new Set([ref.id]));
    const key = keys.blob(ref.id);
    expect(await redis.use((it) => it.hlen(key))).toBe(3);
    const read = (change: Partial<BlobRef>) => blobs.bytes({ ...ref, ...change });
    await expect(read({ sha256: "0".repeat(64) })).rejects.toThrow("is damaged");
    await expect(read({ size: ref.size - 1 })).rejects.toThrow("another size");
    await expect(read({ id: "0".repeat(32) })).rejects.toThrow("part 0 is missing");
    await redis.use((it) => it.hset(key, "1", "garbage"));
    await expect(read({})).rejects.toThrow("part 1 is damaged");
    await redis.use((it) => it.hdel(key, "2"));
    expect(await blobs.extend([ref])).toEqual(new Set());
  });

  test("no bytes at all", async () => {
    const { blobs } = await boardOf();
    const ref = await blobs.put(new Uint8Array());
    expect((await blobs.bytes(ref)).length).toBe(0);
    expect(await blobs.extend([ref])).toEqual(new Set([ref.id]));
  });
});
