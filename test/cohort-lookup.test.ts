// Who is looked up, when, and what is said about it.
import {
  CoreError,
  Engine,
  type EngineOptions,
  type EvaluationContext,
  type EvaluationFlag,
  toContext,
} from "halyard/engine";
import { describe, expect, test } from "vitest";
import { condition, flagOf, idsOf, isIn, isOn, streamOf } from "./cohort-fixture.ts";

const flag = flagOf("flag", ["c"]);
const groupFlag = flagOf("group", ["c"], "org");

const BACKENDS: [string, EngineOptions][] = [
  ["wasm-simd", { backend: "wasm-simd" }],
  ["wasm", { backend: "wasm" }],
  ["js", { backend: "js" }],
  ["shared", { shared: true }],
];

/** Exactly one of the two is on, for whoever is seen in one version of the cohort. */
const both: EvaluationFlag[] = [
  flag,
  {
    ...flag,
    key: "not",
    segments: [{ conditions: [[condition("set does not contain any", ["c"])]], variant: "on" }],
  },
];

describe("ids that the caller gives", () => {
  test.each([[[]], [["c"]], [["other"]], ["c"], ['["c"]'], [5]])("%j stay", (cohort_ids) => {
    const engine = Engine.loadSync([flag, groupFlag]);
    const plain = Engine.loadSync([flag, groupFlag]);
    engine.setCohort("c", "User", ["u"]);
    engine.setCohort("other", "User", ["u"]);
    const user = { user_id: "u", cohort_ids };
    const groups = { org: { group_name: "g", cohort_ids } };
    for (const context of [{ user }, { user, groups }]) {
      expect(engine.evaluate(context)).toEqual(plain.evaluate(context));
      expect(engine.pin(context).evaluateAll().toObject()).toEqual(plain.evaluate(context));
      const { value } = engine.explain(context, "flag")!.segments[0].conditions![0][0];
      expect(value).toEqual(cohort_ids);
    }
  });

  test.each([undefined, null])("%s are none", (cohort_ids) => {
    const engine = Engine.loadSync([flag]);
    engine.setCohort("c", "User", ["u"]);
    expect(engine.variant({ user: { user_id: "u", cohort_ids } }, "flag")?.key).toBe("on");
  });

  test("in a column go before the cohorts, row by row", () => {
    const engine = Engine.loadSync([flag]);
    engine.setCohort("c", "User", ["u"]);
    const cohort_ids = [["c"], [], undefined, null, ["x"]];
    const users = { user_id: ["v", "u", "u", "u", "u"], cohort_ids };
    const many = engine.evaluateMany({ user: users });
    expect(cohort_ids.map((_, row) => many.at(row, "flag")?.key)).toEqual([
      "on",
      undefined,
      "on",
      "on",
      undefined,
    ]);
  });
});

test("without any cohort nothing is filled in, with one users get a list", () => {
  const isNone = {
    ...flag,
    segments: [{ conditions: [[condition("is", ["(none)", "c"])]], variant: "on" }],
  };
  const engine = Engine.loadSync([isNone, flagOf("other", ["c"])]);
  expect(isOn(engine, "u")).toBe(true);
  engine.setCohort("x", "org", []);
  expect(isOn(engine, "u")).toBe(false);
  engine.setCohort("c", "User", ["u"]);
  expect(isOn(engine, "u")).toBe(true);
  engine.removeCohort("c");
  engine.removeCohort("x");
  expect(isOn(engine, "u")).toBe(true);
});

// Amplitude's client throws on each evaluation by flags that ask for groups of these types.
test.each(["__proto__", "constructor", "toString", "", "a.b", "😀"])(
  "groups of type %j",
  (type) => {
    const engine = Engine.loadSync([flagOf("group", ["c"], type)]);
    if (type !== "") engine.setCohort("c", type, ["g"]);
    const groups = Object.fromEntries([[type, ["g", "h"]]]);
    const context = toContext({ user_id: "u", groups });
    expect(engine.variant(context, "group")?.key).toBe(type === "" ? undefined : "on");
    const other = toContext({ user_id: "g", groups: Object.fromEntries([[type, ["h", "g"]]]) });
    expect(engine.variant(other, "group")).toBeUndefined();
    expect(engine.variant({ user: {}, groups: {} }, "group")).toBeUndefined();
  },
);

const long = "c".repeat(3_000);

test.each(["__proto__", "constructor", "length", "(none)", "\ud800", long])(
  "a cohort with an odd id, %#",
  (cohortId) => {
    const engine = Engine.loadSync([flagOf("flag", [cohortId]), flagOf("other", ["x", cohortId])]);
    engine.setCohort(cohortId, "User", ["u"]);
    for (const key of ["flag", "other"]) {
      expect([isOn(engine, "u", key), isOn(engine, "v", key)]).toEqual([true, false]);
    }
    expect(engine.cohorts[0].cohortId).toBe(cohortId);
    expect(engine.removeCohort(cohortId)).toBe(true);
  },
);

test("400 cohorts, each with members of its own", () => {
  const flags = idsOf(400, "f").map((key, index) => flagOf(key, [`c ${index}`]));
  const engine = Engine.loadSync([...flags, flagOf("all", idsOf(400, "c"))]);
  for (const [index, cohortId] of idsOf(400, "c").entries()) {
    engine.setCohort(cohortId, "User", [`u ${index}`, "everyone"]);
  }
  for (const index of [0, 1, 31, 32, 399]) {
    const context = { user: { user_id: `u ${index}` } };
    expect(Object.keys(engine.evaluate(context)).sort()).toEqual(["all", `f ${index}`]);
    expect(engine.variant(context, `f ${index}`)?.key).toBe("on");
  }
  expect(engine.evaluateAll({ user: { user_id: "everyone" } }).size).toBe(401);
  expect(engine.evaluateAll({ user: { user_id: "nobody" } }).size).toBe(0);
});

describe("explain", () => {
  const flags = [flagOf("flag", ["c", "d", "e"]), groupFlag];
  const valueSeen = (engine: Engine, context: EvaluationContext, key = "flag") =>
    engine.explain(context, key)?.segments[0].conditions?.[0][0].value;

  test("shows the ids of the cohorts that have the member", () => {
    const engine = Engine.loadSync(flags);
    engine.setCohort("e", "User", ["u"]);
    engine.setCohort("c", "User", ["u", "v"]);
    engine.setCohort("unnamed", "User", ["u"]);
    const groups = { org: { group_name: "g" } };
    expect(valueSeen(engine, { user: { user_id: "u" } })).toEqual(["c", "e"]);
    expect(valueSeen(engine, { user: { user_id: "v" } })).toEqual(["c"]);
    expect(valueSeen(engine, { user: { user_id: "w" } })).toEqual([]);
    expect(valueSeen(engine, { user: {} })).toBeUndefined();
    expect(valueSeen(engine, { user: {}, groups }, "group")).toBeUndefined();
    engine.setCohort("c", "org", ["g"]);
    expect(valueSeen(engine, { user: {}, groups }, "group")).toEqual(["c"]);
  });

  test("shows the same where the list itself is compared", () => {
    const flags = ["is", "contains", "set contains"].map((op) => ({
      ...flagOf(op, []),
      segments: [{ conditions: [[condition(op, ["d"])]], variant: "on" }],
    }));
    const engine = Engine.loadSync([...flags, flagOf("flag", ["c", "d"])]);
    for (const cohortId of ["c", "d", "e"]) engine.setCohort(cohortId, "User", ["u"]);
    const context = { user: { user_id: "u" } };
    for (const key of engine.flagKeys) {
      expect(valueSeen(engine, context, key)).toEqual(["c", "d"]);
      const { segments, variant } = engine.pin(context).explain(key)!;
      expect(segments[0].conditions![0][0].value).toEqual(["c", "d"]);
      expect(variant?.key).toBe("on");
    }
  });

  test("of a pinned user stays what it was, as all answers do", () => {
    const engine = Engine.loadSync(flags);
    engine.setCohort("c", "User", ["u"]);
    const context = { user: { user_id: "u" }, groups: { org: { group_name: "g" } } };
    const [pinned, fresh] = [engine.pin(context), engine.pin({ user: { user_id: "w" } })];
    const answersOf = (user: typeof pinned) => [
      user.variant("flag"),
      user.evaluateAll().toObject(),
      user.explain("flag"),
      user.explain("group"),
    ];
    const before = structuredClone([answersOf(pinned), answersOf(fresh)]);
    const expectSame = () => expect([answersOf(pinned), answersOf(fresh)]).toEqual(before);
    engine.setCohort("c", "User", ["w"]);
    expectSame();
    engine.setCohort("c", "org", ["g"]);
    expectSame();
    engine.removeCohort("c");
    expectSame();
    engine.setCohort("d", "User", ["u", "w"]);
    engine.update([groupFlag]);
    expectSame();
    engine.update([groupFlag, ...flags.slice(0, 1)]);
    expectSame();
    expect(valueSeen(engine, { user: { user_id: "w" } })).toEqual(["d"]);
  });
});

describe("an attached engine", () => {
  test("sees cohorts come, change and go", () => {
    const owner = Engine.loadSync([flag, groupFlag], { shared: true });
    const guest = Engine.attach(owner.handle());
    expect(guest.warnings).toEqual(owner.warnings);
    expect(guest.warnings.length).toBe(2);
    for (let round = 0; round < 50; round++) {
      owner.setCohort("c", "User", [`u${round}`, "u"]);
      expect(isIn(guest, ["u", `u${round}`, `u${round - 1}`])).toEqual([true, true, false]);
      expect(isOn(guest, `u${round}`)).toBe(true);
      expect(isOn(guest, `u${round - 1}`)).toBe(false);
      if (round % 10 === 5) owner.update([flag, flagOf(`other ${round}`, ["c"])]);
    }
    expect(guest.warnings).toEqual(owner.warnings);
    expect(guest.cohorts).toEqual([]);
    owner.removeCohort("c");
    expect(isOn(guest, "u")).toBe(false);
    expect(guest.warnings.map(({ code }) => code)).toContain("unknown-cohort");
  });

  test("may make memory grow while a cohort comes in", () => {
    const owner = Engine.loadSync([flag], { shared: true });
    const guest = Engine.attach(owner.handle());
    const ids = idsOf(50_000);
    function* members() {
      for (const [index, id] of ids.entries()) {
        if (index % 10_000 === 5) {
          expect(isOn(guest, "x".repeat(index * 20))).toBe(false);
          expect(isOn(owner, "y".repeat(index * 15))).toBe(false);
          expect(isOn(Engine.attach(owner.handle()), "z".repeat(90_000))).toBe(false);
        }
        yield id;
      }
    }
    expect(owner.setCohort("c", "User", members()).size).toBe(ids.length);
    for (const engine of [owner, guest]) {
      expect(isIn(engine, [...ids, "nobody"]).filter((is) => is).length).toBe(ids.length);
      expect(isOn(engine, "nobody")).toBe(false);
    }
  });

  test("takes the place of one that was made later and has gone", () => {
    const owner = Engine.loadSync([flag], { shared: true });
    owner.setCohort("c", "User", ["u"]);
    const [early, late] = [Engine.attach(owner.handle()), Engine.attach(owner.handle())];
    expect(isOn(late, "u")).toBe(true);
    late[Symbol.dispose]();
    expect([isOn(early, "u"), isOn(early, "v")]).toEqual([true, false]);
    expect(Object.keys(early.evaluate({ user: { user_id: "u" } }))).toEqual(["flag"]);
  });

  test("sets none", async () => {
    const owner = Engine.loadSync([flag], { shared: true });
    const guest = Engine.attach(owner.handle());
    const error = expect.objectContaining({ code: "not-owner", constructor: CoreError });
    const { memoryBytes } = owner;
    expect(() => guest.setCohort("c", "User", ["u"])).toThrow(error);
    expect(() => guest.setCohort("c", "User", streamOf(["u"]))).toThrow(error);
    expect(() => guest.removeCohort("c")).toThrow(error);
    expect(owner.memoryBytes).toBe(memoryBytes);
    expect(owner.cohorts).toEqual([]);
  });
});

describe.each(BACKENDS)("%s: a context that replaces the cohort while it is read", (_, options) => {
  const asks: [string, (engine: Engine, context: EvaluationContext) => string[]][] = [
    ["evaluate", (engine, context) => Object.keys(engine.evaluate(context))],
    [
      "evaluate of keys",
      (engine, context) => Object.keys(engine.evaluate(context, ["flag", "not"])),
    ],
    ["evaluateAll", (engine, context) => [...engine.evaluateAll(context).keys()]],
    ["pin", (engine, context) => [...engine.pin(context).evaluateAll().keys()]],
    [
      "evaluateMany",
      (engine, context) => {
        const many = engine.evaluateMany([context]);
        return ["flag", "not"].filter((key) => many.at(0, key));
      },
    ],
  ];

  test.each(asks)("%s sees one version of it", (_name, ask) => {
    const engine = Engine.loadSync(both, options);
    const members = [["u"], [], idsOf(50), ["u", ...idsOf(3_000)]];
    const changes = [
      (round: number) => engine.setCohort("c", "User", members[round % members.length]),
      () => engine.removeCohort("c"),
      () => engine.update(both),
      () => engine.update([...both, flagOf("third", ["c", "d"])]),
    ];
    for (let round = 0; round < 60; round++) {
      engine.setCohort("c", "User", round % 2 ? ["u"] : ["v"]);
      const change = () => changes[round % changes.length](round >>> 2);
      const context = {
        get user() {
          change();
          return { user_id: "u" };
        },
      };
      const keys = ask(engine, context).filter((key) => key !== "third");
      expect(keys.length, `round ${round}: ${keys}`).toBe(1);
      const user = {
        get user_id() {
          change();
          return "u";
        },
      };
      expect(ask(engine, { user }).filter((key) => key !== "third").length).toBe(1);
    }
  });
});
