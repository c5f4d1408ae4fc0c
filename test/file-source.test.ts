// Flags of files: what is read, which edits go live, what is said of those that do not.
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine, type EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { on } from "./agree.ts";
import { flagFor } from "./local-clients.ts";
import { versioned } from "./local-lanes.ts";
import { evaluateWithOracle } from "./oracle.ts";
import {
  byKey,
  filesOf,
  keyOf,
  LONG,
  newFolder,
  put,
  putSlowly,
  replace,
  untilTold,
} from "./service-build.ts";

const isRoot = process.getuid?.() === 0;
const rule = { conditions: [[on("country", "is", "de")]], variant: "on" };
const flags = [
  { ...flagFor("b"), segments: [rule, { variant: "off" }] },
  flagFor("a"),
  { ...flagFor("c"), segments: [rule] },
] as unknown as EvaluationFlag[];

/** A started source of one file, and the path of that. */
async function begun(content: unknown = [versioned("v1")]) {
  const path = join(newFolder(), "flags.json");
  put(path, content);
  const files = filesOf({ flags: path });
  await files.source.start();
  return { path, ...files };
}

describe("reads", () => {
  const [b, a, c] = flags;
  test.each([
    ["a list", "flags.json", { "flags.json": flags }],
    ["an object by key", "flags.json", { "flags.json": byKey(flags) }],
    [
      "a list with a byte order mark",
      "flags.json",
      { "flags.json": `\ufeff${JSON.stringify(flags)}` },
    ],
    ["files of all kinds", ".", { "1.json": b, "2.json": [a], "3.json": { c }, "4.json": [] }],
    ["files that are ours", ".", { "1.json": flags, ".2.json": "{", "notes.txt": "x" }],
  ])("%s, and answers as the oracle", async (_, place, files) => {
    const folder = newFolder();
    for (const [name, content] of Object.entries(files)) put(join(folder, name), content);
    const { source, lines } = filesOf({ flags: join(folder, place) });
    expect(source.flags).toBeUndefined();
    expect(source.state).toMatchObject({ kind: "file", digest: undefined, isStale: false });
    await source.start();
    expect(JSON.parse(source.flags!)).toEqual(flags);
    for (const user of [{ user_id: "u", country: "de" }, { user_id: "u" }]) {
      const answers = source.engine.evaluate({ user });
      expect(answers).toEqual(evaluateWithOracle(flags, { user }));
    }
    expect(source.state).toMatchObject({ isStale: false, lastError: undefined, cohorts: [] });
    expect(source.state.digest).toBe(Engine.loadSync(JSON.parse(source.flags!)).digest);
    expect(source.state.confirmedAt).toBeGreaterThan(0);
    expect(structuredClone(source.state)).toEqual(source.state);
    expect(lines).toEqual([]);
  });

  test("a list without flags", async () => {
    const { source } = await begun([]);
    expect(source.flags).toBe("[]");
    expect(source.engine.flagKeys).toEqual([]);
    expect(source.state).toMatchObject({ isStale: false, lastError: undefined });
  });

  test("any key", async () => {
    const odd = ["__proto__", "constructor", "key", "", "\u2028"].map((key) => flagFor(key));
    const { source } = await begun(
      `{${odd.map((flag) => `${JSON.stringify(flag.key)}:${JSON.stringify(flag)}`)}}`,
    );
    for (const { key } of odd) expect(keyOf(source, key)).toBe("on");
  });

  test("flags of which some are broken: these are warned of", async () => {
    const { source, lines } = await begun([flagFor("a"), { key: "b" }, null]);
    expect(source.engine.flagKeys).toEqual(["a"]);
    expect(source.state.warnings).toHaveLength(2);
    expect(source.state.isStale).toBe(false);
    expect(lines.join("\n")).toMatch(/flags\["b"\].*expected/);
  });

  test("into memory that threads can attach to", async () => {
    const path = join(newFolder(), "flags.json");
    put(path, flags);
    const { source } = filesOf({ flags: path, shared: true });
    const guest = Engine.attach(source.engine.handle());
    await source.start();
    expect(guest.variant({ user: {} }, "a")?.key).toBe("on");
  });
});

describe("does not start", () => {
  const twice = { "b.json": [flagFor("x"), flagFor("y")], "a.json": { y: flagFor("y") } };
  test.each([
    ["without a file", "x.json", {}, "x.json: expected a readable file, got no such file"],
    [
      "with JSON that ends",
      "x.json",
      { "x.json": "[" },
      'x.json:1:2: expected a JSON value or "]"',
    ],
    [
      "with an empty file",
      "x.json",
      { "x.json": "\n" },
      "a list or an object of flags, got an empty",
    ],
    [
      "with a number",
      "x.json",
      { "x.json": "5" },
      "expected a list or an object of flags, got the",
    ],
    [
      "with other bytes",
      "x.json",
      { "x.json": Uint8Array.of(0xff) },
      "x.json: expected UTF-8 text",
    ],
    ["with other JSON", "x.json", { "x.json": [5] }, "x.json: flags[0]: expected an object, got 5"],
    [
      "with a part of a flag",
      "x.json",
      { "x.json": { segments: [] } },
      "flags[0].key: expected a string",
    ],
    ["with no file in a directory", ".", { "x.txt": "" }, "with .json files, got none"],
    ["with a directory as a file", ".", { "x.json/y.json": flags }, "got a directory"],
    ["with a key in two files", ".", twice, /b\.json: .* got the key "y" of .*a\.json$/],
    ["if one of the files is broken", ".", { "a.json": flags, "b.json": [5] }, "b.json: flags[0]"],
    ["with a device", "/dev/null", {}, "/dev/null: expected a file, got something else"],
  ])("%s", async (_, place, files, message) => {
    const folder = newFolder();
    for (const [name, content] of Object.entries(files)) put(join(folder, name), content);
    const path = place.startsWith("/") ? place : join(folder, place);
    const { source } = filesOf({ flags: path });
    await expect(source.start()).rejects.toThrow(message);
    expect(source.flags).toBeUndefined();
  });

  test.skipIf(isRoot)("without the permission", async () => {
    const path = join(newFolder(), "flags.json");
    put(path, flags);
    chmodSync(path, 0);
    const { source } = filesOf({ flags: path });
    await expect(source.start()).rejects.toThrow("a file without read permission");
  });

  test("without a path; but later, once there is a file", async () => {
    expect(() => filesOf({ flags: "" })).toThrow("expected a path");
    const path = join(newFolder(), "flags.json");
    const { source } = filesOf({ flags: path });
    await expect(source.start()).rejects.toThrow();
    put(path, flags);
    await source.start();
    expect(keyOf(source, "a")).toBe("on");
  });
});

describe("an edit goes live", () => {
  test.each([
    ["in its place", writeFileSync],
    ["by another file", replace],
  ])("%s", async (_, write) => {
    const { path, source } = await begun();
    const { digest } = source.state;
    for (const version of ["v2", "v3", "v4"]) {
      write(path, JSON.stringify([versioned(version)]));
      await untilTold(source, () => keyOf(source) === version);
      expect(JSON.parse(source.flags!)).toEqual([versioned(version)]);
    }
    expect(source.state.digest).not.toBe(digest);
  });

  test("by a link to another directory, as Kubernetes mounts them", async () => {
    const folder = newFolder();
    put(join(folder, "..1", "flags.json"), [versioned("v1")]);
    put(join(folder, "..2", "flags.json"), [versioned("v2")]);
    symlinkSync("..1", join(folder, "..data"));
    symlinkSync(join("..data", "flags.json"), join(folder, "flags.json"));
    const sources = [folder, join(folder, "flags.json")].map((flags) => filesOf({ flags }).source);
    for (const source of sources) await source.start();
    symlinkSync("..2", join(folder, "..new"));
    renameSync(join(folder, "..new"), join(folder, "..data"));
    for (const source of sources) await untilTold(source, () => keyOf(source) === "v2");
  });

  test("of files that are added and removed", async () => {
    const folder = newFolder();
    put(join(folder, "a.json"), flagFor("a"));
    const { source } = filesOf({ flags: folder });
    await source.start();
    put(join(folder, "b.json"), flagFor("b"));
    await untilTold(source, () => keyOf(source, "b") === "on");
    rmSync(join(folder, "a.json"));
    await untilTold(source, () => keyOf(source, "a") === undefined);
    expect(JSON.parse(source.flags!)).toEqual([flagFor("b")]);
    rmSync(join(folder, "b.json"));
    await untilTold(source, () => source.state.isStale);
    expect(source.engine.flagKeys).toEqual(["b"]);
  });

  test("that is written piece by piece, once it is whole", async () => {
    const path = join(newFolder(), "flags.json");
    put(path, [versioned("v1")]);
    const { source, lines } = filesOf({ flags: path, intervalMillis: LONG });
    await source.start();
    await putSlowly({ [path]: JSON.stringify([versioned("v2")]) });
    await untilTold(source, () => keyOf(source) === "v2");
    expect(lines).toEqual([]);
  });

  test("while others follow without a pause", async () => {
    const { path, source } = await begun();
    let count = 1;
    const writer = setInterval(() => replace(path, [versioned(`v${++count}`)]), 10);
    try {
      await expect.poll(() => keyOf(source), { timeout: 10_000 }).not.toBe("v1");
    } finally {
      clearInterval(writer);
    }
    await expect.poll(() => keyOf(source), { timeout: 10_000 }).toBe(`v${count}`);
  });

  test("also after a stop and another start", async () => {
    const { path, source } = await begun();
    await source.stop();
    put(path, [versioned("v2")]);
    expect(keyOf(source)).toBe("v1");
    await source.start();
    expect(keyOf(source)).toBe("v2");
    replace(path, [versioned("v3")]);
    await untilTold(source, () => keyOf(source) === "v3");
  });
});

describe("a broken edit: the last flags stay", () => {
  test.each([
    ["half of the file", '[\n  {"key":\n', ":3:1: expected a JSON value, got the end of the text"],
    ["no JSON", '[\n\n{"key": "a" x', ':3:13: expected "," or the closing bracket, got "x"'],
    ["not UTF-8", Uint8Array.of(0x5b, 0xc3, 0x5d), ": expected UTF-8 text, got bytes that are"],
    ["no flags", [{ key: "flag" }], ': flags["flag"].variants: expected an object, got undefined'],
    ["null", "null", ": expected a list or an object of flags, got null"],
    ["nothing", "", ": expected a list or an object of flags, got an empty file"],
  ])("%s", async (_, content, message) => {
    const { path, source, lines } = await begun();
    const { digest } = source.state;
    put(path, content);
    await untilTold(source, () => source.state.isStale);
    expect(source.state.lastError).toContain(path + message);
    expect(source.state).toMatchObject({ digest, isStale: true });
    expect(keyOf(source)).toBe("v1");
    // The same fault once more, and then another one: each is said once.
    replace(path, content);
    put(`${path}~`, "");
    replace(path, "[5]");
    await untilTold(source, () => source.state.lastError!.includes("flags[0]"));
    expect(lines).toHaveLength(2);
    replace(path, [versioned("v2")]);
    await untilTold(source, () => !source.state.isStale);
    expect(source.state.lastError).toBeUndefined();
    expect(keyOf(source)).toBe("v2");
  });

  test("no file; and it is the same one that comes again", async () => {
    const { path, source } = await begun();
    const { digest } = source.state;
    renameSync(path, `${path}~`);
    await untilTold(source, () => source.state.isStale);
    expect(source.state.lastError).toBe(`${path}: expected a readable file, got no such file`);
    renameSync(`${path}~`, path);
    await untilTold(source, () => !source.state.isStale);
    expect(source.state).toMatchObject({ digest, lastError: undefined });
  });

  test("a directory takes the place of the file", async () => {
    const { path, source } = await begun();
    rmSync(path);
    mkdirSync(path);
    await untilTold(source, () => source.state.isStale);
    expect(source.state.lastError).toContain("got none");
    expect(keyOf(source)).toBe("v1");
  });

  test("a key that another file has; names of files stay on one line", async () => {
    const folder = newFolder();
    put(join(folder, "a.json"), versioned("v1"));
    const { source } = filesOf({ flags: folder });
    await source.start();
    put(join(folder, "b\n.json"), versioned("v2"));
    await untilTold(source, () => source.state.isStale);
    const { lastError } = source.state;
    expect(lastError).toMatch(/b\\u000a\.json: .*"flag" of .*a\.json$/);
    rmSync(join(folder, "a.json"));
    await untilTold(source, () => !source.state.isStale);
    expect(keyOf(source)).toBe("v2");
  });
});
