// Promises of setCohort that no other engine makes, and the rules of looking a member up.
import { CohortError, Engine, type EngineOptions } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { flagOf, idsOf, isIn, isOn, streamOf } from "./cohort-fixture.ts";

const flag = flagOf("flag", ["c"]);
const groupFlag = flagOf("group", ["c"], "org");

const sources: [string, (ids: string[]) => Iterable<string> | AsyncIterable<string>][] = [
  ["an array", (ids) => ids],
  ["a Set", (ids) => new Set(ids)],
  ["a generator", (ids) => ids.values()],
  ["an async generator", streamOf],
];

describe.each(sources)("members from %s", (_, sourceOf) => {
  test.each([0, 1, 3, 4, 5, 1_365, 1_366, 5_461, 100_000])("%i of them", async (count) => {
    const engine = Engine.loadSync([flag]);
    const ids = idsOf(count);
    const some = ids.slice(0, count >>> 1);
    const cohort = await engine.setCohort(
      "c",
      "User",
      sourceOf([...some, ...ids, ...some]) as Iterable<string>,
    );
    const bytes = expect.any(Number);
    expect(cohort).toStrictEqual({ cohortId: "c", groupType: "User", size: count, bytes });
    expect(engine.cohorts).toStrictEqual([cohort]);
    // A small one has room for what runs over that weighs more.
    expect(cohort.bytes).toBeLessThanOrEqual(24 * count + 4096 + 256);
    expect(isIn(engine, ids)).toEqual(ids.map(() => true));
    const others = ids.map((id) => `${id}?`);
    expect(isIn(engine, others)).toEqual(others.map(() => false));
  });
});

const long = "x".repeat(100_000);
const oddIds = [
  ...["\0", " ", "a", "ab", "abc", "abcd", "\ud800", "\udbff", "\udc00", "\ufffd", "😀", "\ud83d"],
  ...["é", "e\u0301", "E", "e", "5", "true", "null", "__proto__", "constructor", "[]", '["a"]'],
  ...["00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"],
  // Around what a batch of members holds at three bytes a character, and what a loop writes.
  ...[long, `${long}x`, "é".repeat(30_000), "y".repeat(21_842), "y".repeat(21_843)],
  ...["z".repeat(40), "z".repeat(41), "ü".repeat(40), "ü".repeat(41)],
  ...Array.from({ length: 40 }, (_, length) => "m".repeat(length + 2)),
];

test.each([false, true])("odd ids are members, and their neighbours are none; long: %s", (mix) => {
  const engine = Engine.loadSync([flag]);
  const ids = mix ? oddIds.flatMap((id, index) => [id, `filler ${index}`]) : oddIds;
  const neighbours = oddIds.map((id) => id.slice(0, -1) + String.fromCharCode(1));
  expect(engine.setCohort("c", "User", ["", ...ids]).size).toBe(ids.length + 1);
  expect(isIn(engine, ids)).toEqual(ids.map(() => true));
  expect(isIn(engine, neighbours)).toEqual(neighbours.map(() => false));
  for (const id of ids.slice(0, 40)) {
    const others = ids.filter((other) => other !== id);
    engine.setCohort("c", "User", others);
    expect(isOn(engine, id)).toBe(false);
    expect(isOn(engine, others[0])).toBe(true);
  }
});

test("only a text that is not empty is looked up", () => {
  const engine = Engine.loadSync([flag, groupFlag]);
  engine.setCohort("c", "User", ["", "5", "true", "a", "[object Object]"]);
  for (const user_id of ["", 5, true, null, undefined, ["a"], {}, Number.NaN]) {
    expect(engine.evaluate({ user: { user_id } }), String(user_id)).toEqual({});
  }
  engine.setCohort("c", "org", ["", "5", "a"]);
  for (const group_name of ["", 5, ["a"], null]) {
    expect(engine.evaluate({ user: {}, groups: { org: { group_name } } })).toEqual({});
  }
});

describe("what is no cohort", () => {
  const bad: [unknown, string][] = [
    [5, "5"],
    [null, "null"],
    [undefined, "undefined"],
    [["a"], "an array"],
    [new String("a"), "an object"],
    [Symbol("a"), "symbol"],
    [5n, "bigint"],
  ];

  test.each(bad)("the member %s", async (member, got) => {
    const engine = Engine.loadSync([flag]);
    engine.setCohort("c", "User", ["old"]);
    for (const index of [0, 1, 70_000]) {
      const ids = [...idsOf(index), member, "last"] as string[];
      const message = `memberIds[${index}]: expected a string, got ${got}`;
      const error = expect.objectContaining({ code: "invalid-cohort", message });
      expect(() => engine.setCohort("c", "User", ids)).toThrow(error);
      const stream = engine.setCohort("c", "User", streamOf(ids));
      await expect(stream).rejects.toThrow(error);
      await expect(stream).rejects.toBeInstanceOf(CohortError);
    }
    expect(isIn(engine, ["old", "id 0", "last"])).toEqual([true, false, false]);
  });

  const args: [unknown, unknown, unknown][] = [
    ["", "User", []],
    [5, "User", []],
    [undefined, "User", []],
    ["c", "", []],
    ["c", null, []],
    ...[null, undefined, 5, "text", {}, () => [], Promise.resolve([])].map(
      (members): [unknown, unknown, unknown] => ["c", "User", members],
    ),
  ];

  test.each(args)("the arguments %j, %j, %j", (id, type, members) => {
    const engine = Engine.loadSync([flag]);
    const set = () => engine.setCohort(id as string, type as string, members as string[]);
    expect(set).toThrow(CohortError);
    expect(set).toThrow(/^(cohortId|groupType|memberIds): expected /);
    expect(engine.cohorts).toEqual([]);
  });

  test("a hole in an array is none, however long the array says it is", () => {
    const engine = Engine.loadSync([flag]);
    expect(() => engine.setCohort("c", "User", new Array(1_000))).toThrow("memberIds[0]");
  });
});

test("onProgress is told ever more, and in the end all", async () => {
  const engine = Engine.loadSync([flag]);
  for (const count of [0, 1, 65_535, 65_536, 200_000]) {
    for (const source of [idsOf(count), streamOf(idsOf(count))]) {
      const told: number[] = [];
      const onProgress = (read: number) => told.push(read);
      await engine.setCohort("c", "User", source as Iterable<string>, { onProgress });
      expect(told.at(-1)).toBe(count);
      expect(told).toEqual(told.toSorted((a, b) => a - b));
      if (count > 65_536) expect(new Set(told).size).toBeGreaterThan(2);
    }
  }
});

describe("while a stream is under way", () => {
  /** A stream that goes on when told. */
  function gate(ids: string[]) {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    async function* stream() {
      yield* ids.slice(0, 2);
      await opened;
      yield* ids.slice(2);
    }
    return { open, stream: stream() };
  }

  test("the old cohort stays, and others can take its place", async () => {
    const engine = Engine.loadSync([flag]);
    engine.setCohort("c", "User", ["old"]);
    const { open, stream } = gate(["s1", "s2", "s3"]);
    const coming = engine.setCohort("c", "User", stream);
    await Promise.resolve();
    const asked = ["old", "s1", "s3", "n"];
    expect(isIn(engine, asked)).toEqual([true, false, false, false]);
    engine.setCohort("c", "User", ["n"]);
    expect(isIn(engine, asked)).toEqual([false, false, false, true]);
    engine.update([flagOf("other", ["c"]), flag]);
    // The memory grows, and what the stream has put there stays.
    const long = "x".repeat(2_000_000);
    expect(isOn(engine, long)).toBe(false);
    engine.setCohort("d", "User", idsOf(100_000));
    expect(engine.removeCohort("c")).toBe(true);
    expect(isIn(engine, asked)).toEqual([false, false, false, false]);
    open();
    expect((await coming).size).toBe(3);
    expect(isIn(engine, asked)).toEqual([false, true, true, false]);
  });

  test("another of the same id: who ends last stays", async () => {
    const engine = Engine.loadSync([flag]);
    const [a, b] = [gate(["a1", "a2", "a3"]), gate(["b1", "b2", "b3"])];
    const [first, second] = [a, b].map(({ stream }) => engine.setCohort("c", "User", stream));
    b.open();
    await second;
    expect(isIn(engine, ["a1", "b3"])).toEqual([false, true]);
    a.open();
    await first;
    expect(isIn(engine, ["a1", "a3", "b3"])).toEqual([true, true, false]);
    expect(engine.cohorts.length).toBe(1);
  });
});

test("members may come from a generator that uses the engine", async () => {
  const engine = Engine.loadSync([flag]);
  function* members() {
    yield "a";
    engine.setCohort("c", "User", ["inner"]);
    yield "b";
    engine.setCohort("d", "User", idsOf(5_000));
    engine.update([flag, groupFlag]);
    yield String(isOn(engine, "inner"));
    engine.removeCohort("c");
    yield "e";
  }
  const asked = ["a", "b", "true", "e", "inner", "false"];
  for (const source of [members(), streamOf(members())]) {
    expect((await engine.setCohort("c", "User", source as Iterable<string>)).size).toBe(4);
    expect(isIn(engine, asked)).toEqual([true, true, true, true, false, false]);
  }
});

test("removeCohort says whether there was one", () => {
  const engine = Engine.loadSync([flag]);
  expect(engine.removeCohort("c")).toBe(false);
  engine.setCohort("c", "User", ["a"]);
  const other = engine.setCohort("d", "org", ["a"]);
  expect(engine.cohorts.map(({ cohortId }) => cohortId)).toEqual(["c", "d"]);
  expect(engine.removeCohort("c")).toBe(true);
  expect(engine.removeCohort("c")).toBe(false);
  expect(engine.cohorts).toEqual([other]);
  expect(isOn(engine, "a")).toBe(false);
});

const BACKENDS: [string, EngineOptions][] = [
  ["wasm-simd", { backend: "wasm-simd" }],
  ["wasm", { backend: "wasm" }],
  ["js", { backend: "js" }],
  ["shared", { shared: true }],
];

describe.each(BACKENDS)("%s", (_, options) => {
  test("warns of each cohort that is named and not set", () => {
    const flags = [flagOf("a", ["c", "d"]), flagOf("b", ["d", "c"]), flagOf("g", ["d"], "org")];
    const engine = Engine.loadSync(flags, options);
    const warned = () => engine.warnings.map(({ code, path }) => [code, path]);
    const place = (key: string, index: number) => [
      "unknown-cohort",
      `flags["${key}"].segments[0].conditions[0][0].values[${index}]`,
    ];
    const [c, d, ofGroups] = [place("a", 0), place("a", 1), place("g", 0)];
    expect(warned()).toEqual([c, d, ofGroups]);
    expect(engine.warnings[0].flagKey).toBe("a");
    expect(engine.warnings[0].message).toContain('"c"');
    engine.setCohort("c", "User", []);
    expect(warned()).toEqual([d, ofGroups]);
    engine.setCohort("d", "org", ["a"]);
    expect(warned()).toEqual([d]);
    const { warnings } = engine.update(flags.slice(1));
    expect(warnings.map(({ path }) => path)).toEqual([place("b", 0)[1]]);
    engine.update(flags);
    engine.setCohort("d", "User", ["a"]);
    expect(warned()).toEqual([ofGroups]);
    engine.removeCohort("d");
    engine.removeCohort("c");
    expect(warned()).toEqual([c, d, ofGroups]);
    expect(Engine.loadSync(engine.toImage(), options).warnings).toEqual(engine.warnings);
  });

  test("asks a cohort of the right type only, named by the config that is live", () => {
    const engine = Engine.loadSync([flagOf("other", ["x"])], options);
    engine.setCohort("c", "org", ["a"]);
    expect(engine.evaluate({ user: { user_id: "a" } })).toEqual({});
    engine.update([flag, groupFlag]);
    const context = { user: { user_id: "a" }, groups: { org: { group_name: "a" } } };
    expect(Object.keys(engine.evaluate(context))).toEqual(["group"]);
    engine.setCohort("c", "User", ["a"]);
    expect(Object.keys(engine.evaluate(context))).toEqual(["flag"]);
    engine.setCohort("c", "team", ["a"]);
    expect(engine.evaluate(context)).toEqual({});
  });
});

test("cohortsOf names the cohorts of a user and of a group", () => {
  const engine = Engine.loadSync([
    flagOf("users", ["a", "b", "never"]),
    { ...groupFlag, key: "groups" },
    { ...flagOf("odd", ["p"], "__proto__"), key: "odd" },
    { ...flagOf("both", ["b", "b", "a"]), key: "both" },
  ]);
  expect(engine.cohortsOf("User", "u1")).toEqual([]);
  engine.setCohort("a", "User", ["u1", "u2"]);
  engine.setCohort("b", "User", ["u2"]);
  engine.setCohort("c", "org", ["u1", "acme"]);
  engine.setCohort("p", "__proto__", ["acme"]);
  engine.setCohort("unnamed", "User", ["u1"]);
  expect(engine.cohortsOf("User", "u1")).toEqual(["a"]);
  expect(engine.cohortsOf("User", "u2").sort()).toEqual(["a", "b"]);
  expect(engine.cohortsOf("User", "acme")).toEqual([]);
  expect(engine.cohortsOf("org", "acme")).toEqual(["c"]);
  expect(engine.cohortsOf("__proto__", "acme")).toEqual(["p"]);
  expect(engine.cohortsOf("constructor", "acme")).toEqual([]);
  expect(engine.cohortsOf("org", "")).toEqual([]);
});
