// Flags and cohorts on disk: what is kept, and what is used of it.
import { existsSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  filesOf,
  filled,
  keep,
  newFolder,
  removeFolders,
  snapshotIn,
  textOf,
} from "./snapshot-folder.ts";

afterAll(removeFolders);

test("gives back what was kept, byte by byte", async () => {
  const folder = newFolder();
  const { snapshot } = snapshotIn(folder);
  expect(await snapshot.load()).toBeUndefined();
  const ids = ["c", "__proto__", "../ü/..", "\ud83d\ude00", "constructor"];
  for (const id of ids) await keep(snapshot, id, [`of ${id} `, "Größe"]);
  const before = Date.now();
  await snapshot.keepFlags(' [ {"key":"ü"} ]\r\n');
  const { snapshot: again, lines } = snapshotIn(folder);
  const { flags, savedAt } = (await again.load())!;
  expect(flags).toBe(' [ {"key":"ü"} ]\r\n');
  expect(savedAt).toBeGreaterThanOrEqual(before);
  expect(again.cohortIds).toEqual(ids);
  for (const id of ids) expect(await textOf(again.cohort(id))).toBe(`of ${id} Größe`);
  expect(lines).toEqual([]);
});

test("is for its owner alone", async () => {
  const { folder } = await filled();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of filesOf(folder)) expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("has one file for the flags, one for each cohort, and one more", async () => {
  const { folder, snapshot } = await filled();
  for (let number = 2; number < 6; number++) {
    await keep(snapshot, "c", [`cohort ${number}`]);
    await snapshot.keepFlags(`flags ${number}`);
    await snapshot.keepFlags(`flags ${number}`);
  }
  expect(filesOf(folder)).toHaveLength(3);
});

test("of flags that come faster than they can be written the last ones count", async () => {
  const { folder, snapshot } = await filled();
  for (let number = 2; number < 500; number++) void snapshot.keepFlags(`flags ${number}`);
  await snapshot.flush();
  expect(await snapshotIn(folder).snapshot.load()).toMatchObject({ flags: "flags 499" });
  expect(filesOf(folder)).toHaveLength(3);
});

test("a cohort is dropped with the next flags, not before", async () => {
  const { folder, snapshot } = await filled();
  snapshot.dropCohort("c");
  await snapshot.flush();
  const { snapshot: old } = snapshotIn(folder);
  await old.load();
  expect(await textOf(old.cohort("c"))).toBe("cohort 1");
  await snapshot.keepFlags("flags 2");
  expect(snapshot.cohortIds).toEqual([]);
  expect(filesOf(folder, "cohort-")).toEqual([]);
});

test("names the file of a cohort, once the last bytes are in it", async () => {
  const { folder, snapshot } = await filled();
  const [first] = filesOf(folder, "cohort-");
  expect(snapshot.fileOf("c")?.path).toBe(first);
  expect(snapshot.fileOf("d")?.path).toBeUndefined();
  const placed: unknown[] = [];
  snapshot.onCohortPlaced = () => placed.push(snapshot.fileOf("c")?.path);
  const keeping = [keep(snapshot, "c", ["cohort 2"]), keep(snapshot, "c", ["cohort 3"])];
  await Promise.all(keeping);
  const [last] = filesOf(folder, "cohort-");
  expect(snapshot.fileOf("c")?.path).toBe(last);
  expect(placed.at(-1)).toBe(last);
  const { snapshot: again } = snapshotIn(folder);
  await again.load();
  expect(again.fileOf("c")?.path).toBe(last);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "");
  await keep(again, "c", ["cohort 4"]);
  expect(again.fileOf("c")?.path).toBeUndefined();
});

describe("a cohort that did not come whole", () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("coho");
    throw new Error("reset");
  }

  test.each(["keep", "discard"] as const)("%s: the old one stays", async (end) => {
    const { folder, snapshot } = await filled();
    const copy = snapshot.copyOf("c");
    await expect(textOf(copy.through(broken()))).rejects.toThrow("reset");
    await copy[end]();
    if (end === "keep") await copy.discard();
    expect(await textOf(snapshot.cohort("c"))).toBe("cohort 1");
    expect(filesOf(folder)).toHaveLength(3);
  });

  test("but is no cohort: the old one stays", async () => {
    const { folder, snapshot } = await filled();
    await keep(snapshot, "c", ["<html>"], "discard");
    expect(await textOf(snapshot.cohort("c"))).toBe("cohort 1");
    expect(filesOf(folder)).toHaveLength(3);
  });
});

describe("what is damaged is logged and not used", () => {
  test.each([
    ["cut off", (file: string) => truncateSync(file, 3)],
    ["changed", (file: string) => writeFileSync(file, "flags 2")],
    ["empty", (file: string) => writeFileSync(file, "")],
  ])("flags: %s", async (_, damage) => {
    const { folder } = await filled();
    for (const file of filesOf(folder, "flags.")) damage(file);
    const { snapshot, lines } = snapshotIn(folder);
    expect(await snapshot.load()).toBeUndefined();
    expect(lines.join()).toContain("the flags are damaged");
  });

  test("flags that are gone", async () => {
    const { folder } = await filled();
    for (const file of filesOf(folder, "flags.")) rmSync(file);
    expect(await snapshotIn(folder).snapshot.load()).toBeUndefined();
  });

  test.each([
    ["cut off", (file: string) => truncateSync(file, 3), "is damaged"],
    ["changed", (file: string) => writeFileSync(file, "cohort 2"), "is damaged"],
    ["gone", (file: string) => rmSync(file), "no cohort c"],
  ])("a cohort: %s", async (_, damage, error) => {
    const { folder } = await filled();
    for (const file of filesOf(folder, "cohort-")) damage(file);
    const { snapshot } = snapshotIn(folder);
    expect(await snapshot.load()).toMatchObject({ flags: "flags 1" });
    await expect(textOf(snapshot.cohort("c"))).rejects.toThrow(error);
  });

  test.each(["", "{", "null", "[]", "<html>", '{"version":2}', '{"version":1,"cohorts":5}'])(
    "a manifest: %j",
    async (text) => {
      const { folder } = await filled();
      writeFileSync(join(folder, "snapshot.json"), text);
      const { snapshot, lines } = snapshotIn(folder);
      expect(await snapshot.load()).toMatchObject({ flags: "flags 1" });
      expect(lines.join()).toContain("the manifest is damaged");
      await snapshot.keepFlags("flags 2");
      const next = snapshotIn(folder);
      expect(await next.snapshot.load()).toMatchObject({ flags: "flags 2" });
      expect(next.lines).toEqual([]);
    },
  );
});

describe("what nobody needs", () => {
  const LONG_AGO = 1_000_000_000;
  const uuid = "00000000-0000-4000-8000-000000000000";

  test.each([
    ["a draft of a process that is gone", `flags.999999999.${uuid}.draft`, false],
    ["a draft of an earlier process of the same number", `c.${process.pid}.${uuid}.draft`, false],
    ["a draft of another process", `flags.${process.ppid}.${uuid}.draft`, true],
    ["flags of before", `flags.${"0".repeat(64)}.json`, false],
    ["a cohort of before", `cohort-${"0".repeat(32)}.${"0".repeat(64)}.json`, false],
    ["somebody else's file", "notes.draft", true],
  ])("%s", async (_, name, stays) => {
    const { folder } = await filled();
    writeFileSync(join(folder, name), "x");
    utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
    expect(await snapshotIn(folder).snapshot.load()).toMatchObject({ flags: "flags 1" });
    expect(existsSync(join(folder, name))).toBe(stays);
    expect(filesOf(folder)).toHaveLength(stays ? 4 : 3);
  });
});
