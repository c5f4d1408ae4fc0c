// Snapshots on disks that are full, of processes that are killed, and what clients see of it.
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { flagOf } from "./cohort-fixture.ts";
import { bodyOf, jsonOf } from "./evaluation-server.ts";
import { cohort, cohortOf, configOf, Lines } from "./local-lanes.ts";
import { LocalSetup, v1, v2 } from "./local-setup.ts";
import {
  filesOf,
  filled,
  keep,
  newFolder,
  removeFolders,
  snapshotIn,
  textOf,
} from "./snapshot-folder.ts";

let local: LocalSetup;
beforeAll(async () => {
  local = await LocalSetup.begin();
});
afterAll(() => local.end());

afterAll(removeFolders);

/** A file system with room for 64 KiB; undefined = here nobody may mount one. */
function tinyDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "halyard-disk-"));
  const args = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder];
  if (spawnSync("mount", args).status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
}

describe("a disk that does not take it", () => {
  const disk = tinyDisk();
  afterAll(() => {
    if (!disk) return;
    spawnSync("umount", [disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  test.skipIf(!disk)("a full one: the old state stays; once there is room it goes on", async () => {
    const folder = join(disk!, "snapshot");
    const { snapshot, lines } = snapshotIn(folder);
    await keep(snapshot, "c", ["cohort 1"]);
    await snapshot.keepFlags("flags 1");
    await keep(snapshot, "c", ["x".repeat(40_000), "x".repeat(40_000)]);
    await snapshot.keepFlags("x".repeat(80_000));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("ENOSPC");
    expect(await snapshotIn(folder).snapshot.load()).toMatchObject({ flags: "flags 1" });
    expect(await textOf(snapshot.cohort("c"))).toBe("cohort 1");
    expect(filesOf(folder)).toHaveLength(3);
    await snapshot.keepFlags("flags 2");
    expect(await snapshotIn(folder).snapshot.load()).toMatchObject({ flags: "flags 2" });
  });

  test("a file in place of the folder: said once, nothing thrown", async () => {
    const file = newFolder();
    mkdirSync(dirname(file));
    writeFileSync(file, "");
    const { snapshot, lines } = snapshotIn(file);
    expect(await snapshot.load()).toBeUndefined();
    lines.length = 0;
    await keep(snapshot, "c", ["cohort 1"]);
    await snapshot.keepFlags("flags 1");
    await snapshot.keepFlags("flags 2");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("it cannot be written");
  });

  test("no more room: the old state stays, and no part of a new one", async () => {
    const { folder } = await filled();
    const script = `
      import { Snapshot } from ${JSON.stringify(dist("src/local/snapshot.js"))};
      import { Log } from ${JSON.stringify(dist("src/sdk/log.js"))};
      const snapshot = new Snapshot(process.argv[1], new Log({ logLevel: 2 }, []));
      await snapshot.load();
      const copy = snapshot.copyOf("c");
      const bytes = new Uint8Array(40_000).fill(32);
      let read = 0;
      for await (const chunk of copy.through([bytes, bytes, bytes])) read += chunk.length;
      await copy.keep();
      await snapshot.keepFlags(" ".repeat(100_000));
      console.log(read);`;
    // Blocks of 1 KiB or of 512 bytes: no file may be larger.
    const node = `exec '${process.execPath}' --input-type=module -e "$0" "$1"`;
    const args = ["-c", `ulimit -f 20; trap '' XFSZ; ${node}`, script, folder];
    const [stdout, stderr] = await new Promise<string[]>((resolve, reject) => {
      execFile("bash", args, (error, out, err) => (error ? reject(error) : resolve([out, err])));
    });
    expect(stdout).toBe("120000\n");
    expect(stderr.match(/it cannot be written/g)).toHaveLength(1);
    const { snapshot } = snapshotIn(folder);
    expect(await snapshot.load()).toMatchObject({ flags: "flags 1" });
    expect(await textOf(snapshot.cohort("c"))).toBe("cohort 1");
    expect(filesOf(folder)).toHaveLength(3);
  });
});

function dist(path: string): string {
  return fileURLToPath(new URL(`../dist/${path}`, import.meta.url));
}

function writerOf(folder: string, firstNumber: number) {
  const args = [dist("test/snapshot-writer.js"), folder, String(firstNumber)];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

interface State {
  flags: number;
  cohort: number;
}

async function stateOf(folder: string): Promise<State> {
  const { snapshot } = snapshotIn(folder);
  const saved = (await snapshot.load())!;
  const { number, padding } = JSON.parse(saved.flags)[0].metadata;
  expect(padding).toHaveLength(100_000);
  const { memberIds } = JSON.parse(await textOf(snapshot.cohort("c")));
  expect(memberIds).toHaveLength(2_000);
  return { flags: number, cohort: Number(memberIds[0].split("-")[0]) };
}

test("a process that is killed while it writes leaves the last good state", async () => {
  const folder = newFolder();
  for (let round = 1; round <= 6; round++) {
    const writer = writerOf(folder, round * 1_000_000);
    await once(writer.stdout, "data");
    await sleep(Math.random() * 40);
    writer.kill("SIGKILL");
    await once(writer, "close");
    const { flags, cohort } = await stateOf(folder);
    expect(flags).toBeGreaterThanOrEqual(round * 1_000_000);
    // The cohort is written before the flags that may need it.
    expect([0, 1]).toContain(cohort - flags);
    expect(filesOf(folder).filter((file) => file.endsWith(".draft"))).toEqual([]);
  }
});

test("two processes with one folder do not destroy it", async () => {
  const folder = newFolder();
  const writers = [writerOf(folder, 1_000_000), writerOf(folder, 2_000_000)];
  await Promise.all(writers.map((writer) => once(writer.stdout, "data")));
  for (let look = 0; look < 5; look++) {
    await sleep(20);
    const saved = await snapshotIn(folder).snapshot.load();
    expect(saved?.flags).toContain('"key":"flag"');
  }
  for (const writer of writers) writer.kill("SIGKILL");
  await Promise.all(writers.map((writer) => once(writer, "close")));
  const { flags, cohort } = await stateOf(folder);
  expect(Math.min(flags, cohort)).toBeGreaterThanOrEqual(1_000_000);
});

describe.concurrent("the snapshot", () => {
  const needing = jsonOf([flagOf("flag", ["c"])]);

  test("has cohorts, too", async () => {
    const snapshotPath = await local.snapshot(needing, local.lane(cohort(["a"])));
    const gone = await local.goneLane();
    const { client, version } = local.clientOf({ ...configOf(gone, gone), snapshotPath });
    await client.start();
    expect([version("a"), version("b")]).toEqual(["on", undefined]);
    expect(client.status().cohorts).toMatchObject([{ cohortId: "c", size: 1 }]);
  });

  test("is of the last good flags", async () => {
    const snapshotPath = local.newFolder();
    const lane = local.lane(v1, v2, bodyOf("<html>"));
    const { client } = local.clientOf({ ...configOf(lane), snapshotPath });
    await client.start();
    await vi.waitFor(() => expect(client.status().lastError).toBeDefined());
    await client.stop();
    const { client: next, version } = local.clientOf({
      ...configOf(await local.goneLane()),
      snapshotPath,
    });
    await next.start();
    expect(version()).toBe("v2");
  });

  test("has no cohort that was not one", async () => {
    const good = JSON.stringify(cohortOf(["a"]));
    const snapshotPath = await local.snapshot(needing, local.lane(bodyOf(good)));
    const broken = local.lane(bodyOf("<html>"));
    const flags = [configOf(local.lane(needing), broken), configOf(await local.goneLane())];
    for (const config of flags) {
      const { client, version } = local.clientOf({ ...config, snapshotPath });
      await client.start();
      expect([version("a"), version("b")]).toEqual(["on", undefined]);
      await client.stop();
    }
  });

  test("of a process that was killed while it wrote", async () => {
    const snapshotPath = local.newFolder();
    const writer = writerOf(snapshotPath, 1);
    await once(writer.stdout, "data");
    await sleep(Math.random() * 40);
    writer.kill("SIGKILL");
    await once(writer, "close");
    const gone = await local.goneLane();
    const { client, version } = local.clientOf({ ...configOf(gone, gone), snapshotPath });
    await client.start();
    expect(client.status()).toMatchObject({ source: "snapshot", cohorts: [{ size: 2_000 }] });
    const number = Number(version()?.slice(1));
    // The cohort is written before the flags.
    const isIn = (n: number) => client.evaluateV2({ user_id: `${n}-0` }).cohort?.key === "on";
    expect(isIn(number) || isIn(number + 1)).toBe(true);
  });

  test("that is damaged is as good as none", async () => {
    const snapshotPath = await local.snapshot();
    for (const name of readdirSync(snapshotPath)) truncateSync(join(snapshotPath, name), 5);
    const { client } = local.clientOf({ ...configOf(await local.goneLane()), snapshotPath });
    await expect(client.start()).rejects.toThrow("fetch failed");
  });

  test("a file in place of the folder: evaluation does not notice", async () => {
    const snapshotPath = local.newFolder();
    writeFileSync(snapshotPath, "");
    const lines = new Lines();
    const config = { ...configOf(local.lane(v1, v2)), snapshotPath, loggerProvider: lines };
    const { client, version } = local.clientOf({ ...config, logLevel: 2 });
    await client.start();
    await vi.waitFor(() => expect(version()).toBe("v2"));
    await client.stop();
    expect(lines.all.filter((line) => line.includes("it cannot be written"))).toHaveLength(1);
  });
});
