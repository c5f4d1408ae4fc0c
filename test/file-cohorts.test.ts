// Cohorts of files: what is read, which edits go live, what is said of those that do not.
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { flagOf, idsOf, isIn, isOn } from "./cohort-fixture.ts";
import { cohortOf } from "./local-lanes.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { filesOf, LONG, newFolder, put, putSlowly, replace, untilTold } from "./service-build.ts";

const isRoot = process.getuid?.() === 0;

/** Files of cohorts, and flags that name these. */
function laid(files: Readonly<Record<string, unknown>>, flags = [flagOf("flag", ["c"])]) {
  const folder = newFolder();
  const cohorts = join(folder, "cohorts");
  const flagFile = join(folder, "flags.json");
  mkdirSync(cohorts);
  put(flagFile, flags);
  for (const [name, content] of Object.entries(files)) put(join(cohorts, name), content);
  return { cohorts, flagFile, ...filesOf({ flags: flagFile, cohorts }) };
}

async function begun(...args: Parameters<typeof laid>) {
  const all = laid(...args);
  await all.source.start();
  return all;
}

const body = (memberIds: readonly string[], more: object = {}) => ({
  ...cohortOf(memberIds),
  ...more,
});

describe("reads", () => {
  const { groupType, ...untyped } = cohortOf(["a", "b"]);
  test.each([
    ["lines", { "c.txt": "a\nb" }],
    ["lines of other systems", { "c.txt": "\ufeffa\r\n\r\n\r\nb\r\n  \r\na\r\n" }],
    ["a body", { "c.json": cohortOf(["a", "b", "a"]) }],
    ["a body that ends with its type", { "c.json": { ...untyped, groupType } }],
    ["a body with little", { "c.json": { memberIds: ["a", "b"], groupType } }],
    [
      "a body with white space",
      { "c.json": `\ufeff\n${JSON.stringify(cohortOf(["a", "b"]), null, 2)}\n` },
    ],
    ["a list", { "c.json": ["a", "b"] }],
    ["a list with white space", { "c.json": '\ufeff \n[ "a",\r\n "\\u0062" ] \n' }],
    ["an encoded name", { "%63.txt": "a\nb" }],
    ["a type", { "User/c.txt": "a\nb" }],
    ["what is ours", { "c.txt": "a\nb", ".d.txt": "a", "notes.md": "a", ".git/d.txt": "a" }],
  ])("%s", async (_, files) => {
    const { source, lines } = await begun(files);
    expect(isIn(source.engine, ["a", "b", "", "c", " "])).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(source.state.cohorts).toMatchObject([{ cohortId: "c", groupType: "User", size: 2 }]);
    expect(source.state).toMatchObject({ lastError: undefined, warnings: [] });
    expect(structuredClone(source.state)).toEqual(source.state);
    expect(lines).toEqual([]);
    for (const user_id of ["a", "z"]) {
      const cohort_ids = user_id === "a" ? ["c"] : [];
      const flags = JSON.parse(source.flags!);
      const answer = source.engine.evaluate({ user: { user_id } });
      expect(answer).toEqual(evaluateWithOracle(flags, { user: { user_id, cohort_ids } }));
    }
  });

  test("ids and types of any kind, whether flags name them or not", async () => {
    const ids = ["__proto__", "constructor", "a b/../c", "ü\ud83d\ude00", ".hidden", "x.json"];
    const types = [undefined, "org id", "__proto__", "a/b", ".t"];
    const flags = ids.map((id, index) => flagOf(id, [id], types[index % types.length]));
    const files = ids.map((id, index) => {
      const type = types[index % types.length];
      const encoded = [...(type === undefined ? [] : [type]), id].map((name) =>
        encodeURIComponent(name).replace(/^\./, "%2E"),
      );
      return [`${encoded.join("/")}.txt`, "__proto__\nm"];
    });
    const { source } = await begun({ ...Object.fromEntries(files), "unnamed.txt": "m" }, flags);
    expect(source.state.lastError).toBeUndefined();
    expect(source.state.warnings).toEqual([]);
    expect(source.state.cohorts.map(({ cohortId }) => cohortId).sort()).toEqual(
      [...ids, "unnamed"].sort(),
    );
    for (const [index, id] of ids.entries()) {
      const type = types[index % types.length];
      const groups = type === undefined ? undefined : Object.fromEntries([[type, ["m"]]]);
      const context = { user: { user_id: "m" }, groups: groupsOf(groups) };
      expect(source.engine.variant(context, id)?.key, id).toBe("on");
    }
  });

  /** As `toContext` makes them. */
  function groupsOf(groups: Record<string, string[]> | undefined) {
    const entries = Object.entries(groups ?? {});
    return Object.fromEntries(entries.map(([type, [name]]) => [type, { group_name: name }]));
  }

  test("when members last changed", async () => {
    const { cohorts, source } = laid({ "a.txt": "m", "b.json": cohortOf(["m"]), "c.json": ["m"] });
    put(join(cohorts, "b.json"), body(["m"], { cohortId: "b" }));
    for (const name of ["a.txt", "b.json", "c.json"]) utimesSync(join(cohorts, name), 1e9, 1e9);
    await source.start();
    expect(source.state.cohorts).toEqual([
      { cohortId: "a", format: "lines", lastModified: 1e12, ...fileOf("a.txt") },
      { cohortId: "b", format: "json", lastModified: 1_700_000_000_000, ...fileOf("b.json") },
      { cohortId: "c", format: "json", lastModified: 1e12, ...fileOf("c.json") },
    ]);

    function fileOf(name: string) {
      return { groupType: "User", size: 1, path: join(cohorts, name) };
    }
  });

  test("a million ids", async () => {
    const ids = idsOf(1_000_000);
    const { source } = await begun({ "c.txt": ids.join("\n") });
    expect(source.state.cohorts[0].size).toBe(1_000_000);
    expect(isIn(source.engine, [ids[0], ids[999_999], "id 1000000"])).toEqual([true, true, false]);
  });
});

describe("a cohort that is broken: the others load", () => {
  const long = `"${"x".repeat(200_000)}"`;
  test.each([
    [
      "not UTF-8",
      "c.txt",
      Uint8Array.of(0x61, 0xff),
      "expected UTF-8 text, got bytes that are not",
    ],
    ["a half of a character", "c.txt", Uint8Array.of(0x61, 0xc3), "expected UTF-8 text"],
    ["JSON, not UTF-8", "c.json", Buffer.from('["\xff"]', "latin1"), "expected UTF-8 text"],
    ["a body, not UTF-8", "c.json", Buffer.from('{"memberIds":["\xff"]}', "latin1"), "UTF-8 text"],
    ["half a body", "c.json", '{"groupType":"User","memberIds":["a"', "got a part of it"],
    ["half a list", "c.json", `[${long},${long}`, "expected JSON, got a part of it"],
    ["no JSON", "c.json", '["secret" "x"]', "c.json: expected JSON"],
    ["nothing", "c.json", "", "expected JSON"],
    ["numbers", "c.json", [1], "c.json: expected a list of texts"],
    ["lists", "c.json", [["a"]], "c.json: expected a list of texts"],
    ["numbers in a body", "c.json", { groupType: "User", memberIds: [1] }, "a list of texts"],
    ["something else", "c.json", { error: "no" }, "expected a groupType"],
    ["another cohort", "c.json", body(["a"], { cohortId: "x" }), 'cohortId: expected "c", as the'],
    ["another type", "org/c.json", cohortOf(["a"]), 'groupType: expected "org", as its directory'],
    [
      "another type at the end",
      "org/c.json",
      '{"memberIds":["a"],"groupType":"User"}',
      '"org", as',
    ],
    ["a name that is none", "%zz.txt", "a", "%zz.txt: expected a percent-encoded name"],
    ["a directory in a type", "org/x/c.txt", "a", "x: expected files of cohorts, got a directory"],
    [
      "a cohort twice",
      "org/other.txt",
      "a",
      "expected a cohort that no other file has, got that of",
    ],
  ])("%s", async (_, name, content, message) => {
    const { cohorts, source, lines } = await begun({ [name]: content, "other.txt": "m" });
    expect(source.state.lastError).toContain(join(cohorts, name.split("/x/")[0]));
    expect(source.state.lastError).toContain(message);
    expect(source.state.lastError).not.toContain("secret");
    expect(source.state.isStale).toBe(false);
    expect(source.state.cohorts).toMatchObject([{ cohortId: "other", size: 1 }]);
    expect(lines).toHaveLength(1);
    rmSync(join(cohorts, name));
    rmSync(join(cohorts, name.split("/")[0]), { recursive: true, force: true });
    put(join(cohorts, "c.txt"), "a");
    await untilTold(source, () => source.state.lastError === undefined && isOn(source.engine, "a"));
    expect(lines).toHaveLength(1);
  });

  test.skipIf(isRoot)("without the permission", async () => {
    const { cohorts, source } = laid({ "c.txt": "a", "other.txt": "m" });
    chmodSync(join(cohorts, "c.txt"), 0);
    await source.start();
    expect(source.state.lastError).toContain("a file without read permission");
    chmodSync(join(cohorts, "c.txt"), 0o600);
    await untilTold(source, () => isOn(source.engine, "a"));
  });

  test("a link to nothing, a device, and more", async () => {
    const { cohorts, source } = laid({ "other.txt": "m" });
    symlinkSync("nothing", join(cohorts, "a.txt"));
    symlinkSync("/dev/zero", join(cohorts, "b.txt"));
    await source.start();
    expect(source.state.lastError).toMatch(/a\.txt: .*no such file \(and 1 more\)$/);
    expect(source.state.cohorts).toHaveLength(1);
  });

  test("no directory of cohorts at all: there is no start", async () => {
    const { cohorts, flagFile } = laid({});
    const { source } = filesOf({ flags: flagFile, cohorts: join(cohorts, "no") });
    await expect(source.start()).rejects.toThrow(/no: expected a directory of cohorts, got none/);
    const { source: other } = filesOf({ flags: flagFile, cohorts: flagFile });
    await expect(other.start()).rejects.toThrow("expected a directory of cohorts, got a file");
  });
});

describe("an edit goes live", () => {
  test.each([
    ["in its place", put],
    ["by another file", replace],
  ])("%s", async (_, write) => {
    const { cohorts, source } = await begun({ "c.txt": "a" });
    const before = source.state.cohorts[0].lastModified;
    write(join(cohorts, "c.txt"), "b\n");
    await untilTold(source, () => isOn(source.engine, "b"));
    expect(isOn(source.engine, "a")).toBe(false);
    expect(source.state.cohorts[0].lastModified).toBeGreaterThan(before);
  });

  test("that is written piece by piece, once it is whole", async () => {
    const { cohorts, flagFile } = laid({ "c.txt": "a" });
    const { source, lines } = filesOf({ flags: flagFile, cohorts, intervalMillis: LONG });
    await source.start();
    const sizes = new Set<number>();
    source.onChange(() => sizes.add(source.state.cohorts[0].size));
    const ids = idsOf(100);
    const [json, text] = [JSON.stringify(ids), ids.join("\n")];
    await putSlowly({ [join(cohorts, "c.txt")]: text, [join(cohorts, "d.json")]: json });
    await untilTold(source, () => source.state.cohorts.length === 2);
    expect([...sizes]).toEqual([100]);
    expect(lines).toEqual([]);
  });

  test("of another kind, type and format", async () => {
    const { cohorts, source } = await begun({ "c.txt": "a" });
    put(join(cohorts, "c.json"), ["b"]);
    rmSync(join(cohorts, "c.txt"));
    await untilTold(source, () => isOn(source.engine, "b") && !source.state.lastError);
    expect(source.state.cohorts).toMatchObject([{ format: "json", groupType: "User" }]);
    mkdirSync(join(cohorts, "org"));
    renameSync(join(cohorts, "c.json"), join(cohorts, "org", "c.json"));
    await untilTold(source, () => source.state.cohorts[0]?.groupType === "org");
    expect(isOn(source.engine, "b")).toBe(false);
    expect(source.state.warnings).toMatchObject([{ code: "unknown-cohort" }]);
  });

  test("by a link to another directory, as Kubernetes mounts them", async () => {
    const { cohorts, source } = laid({ "..1/c.txt": "a", "..2/c.txt": "b" });
    symlinkSync("..1", join(cohorts, "..data"));
    symlinkSync(join("..data", "c.txt"), join(cohorts, "c.txt"));
    await source.start();
    expect(isIn(source.engine, ["a", "b"])).toEqual([true, false]);
    symlinkSync("..2", join(cohorts, "..new"));
    renameSync(join(cohorts, "..new"), join(cohorts, "..data"));
    await untilTold(source, () => isOn(source.engine, "b"));
    expect(isOn(source.engine, "a")).toBe(false);
  });

  test("that removes a file: the cohort is gone", async () => {
    const { cohorts, source } = await begun({ "c.txt": "a", "d.txt": "a" });
    rmSync(join(cohorts, "c.txt"));
    await untilTold(source, () => source.state.cohorts.length === 1);
    expect(isOn(source.engine, "a")).toBe(false);
    expect(source.engine.cohorts).toMatchObject([{ cohortId: "d" }]);
    expect(source.state.warnings).toMatchObject([{ code: "unknown-cohort" }]);
  });

  test("but not one that is broken, nor one that removes all of them", async () => {
    const { cohorts, source } = await begun({ "c.json": ["a"] });
    put(join(cohorts, "c.json"), '["b",');
    await untilTold(source, () => source.state.lastError !== undefined);
    expect(isIn(source.engine, ["a", "b"])).toEqual([true, false]);
    put(join(cohorts, "c.json"), '["b","c"]');
    await untilTold(source, () => source.state.lastError === undefined);
    expect(isIn(source.engine, ["a", "b"])).toEqual([false, true]);
    renameSync(cohorts, `${cohorts}~`);
    await untilTold(source, () => source.state.lastError !== undefined);
    expect(source.state.lastError).toContain("expected a directory of cohorts, got none");
    expect(isOn(source.engine, "b")).toBe(true);
    renameSync(`${cohorts}~`, cohorts);
    await untilTold(source, () => source.state.lastError === undefined);
    expect(source.state.cohorts).toHaveLength(1);
  });
});

test("cohorts are there before the flags that name them, also while they are written", async () => {
  const { cohorts, flagFile, source } = await begun({}, []);
  const seen: unknown[] = [];
  source.onChange(() => {
    if (source.flags !== "[]") seen.push(source.engine.cohorts.length);
  });
  replace(flagFile, [flagOf("flag", ["c"])]);
  let count = 0;
  const writing = setInterval(() => {
    put(join(cohorts, "c.txt"), `a\n${"b\n".repeat(count)}`);
    if (++count === 40) clearInterval(writing);
  }, 4);
  put(join(cohorts, "c.txt"), "a");
  await untilTold(source, () => isOn(source.engine, "a"));
  expect(new Set(seen)).toEqual(new Set([1]));
});
