// All flags at once: the shapes of config and user that the sweep's tables treat in ways of their
// own, each against the oracle.
import { Engine, type EvaluationContext, type EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { bucketOf, expectAgreement, flagOf, on } from "./agree.ts";
import { evaluateWithOracle } from "./oracle.ts";

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe("clauses", () => {
  test("30 to 33 AND lists, in one segment and in many", () => {
    const flags = [1, 29, 30, 31, 32, 33, 70].flatMap((count) => {
      const lists = times(count, (i) => [on("plan", "is", `p${i}`), on("age", "less", "50")]);
      const many = lists.map((list, i) => ({ conditions: [list], variant: i % 2 ? "on" : "off" }));
      const last = { variant: "other" };
      const salted = { bucket: bucketOf(`s${count}`, "off", 50), variant: "on" };
      return [
        flagOf(`one ${count}`, [{ conditions: lists, variant: "on" }, last]),
        flagOf(`many ${count}`, [...many, last]),
        flagOf(`salted ${count}`, [{ conditions: lists, ...salted }, last]),
        flagOf(`none ${count}`, many),
      ];
    });
    const plans = [...times(71, (i) => `p${i}`), "none"];
    expectAgreement(
      flags,
      plans.map((plan, i) => ({ plan, id: `u${i}`, age: i % 5 ? "20" : "60" })),
    );
  });

  test("without segments, conditions, variants or ranges", () => {
    const nothing = { ...bucketOf("s", "on"), allocations: [] };
    const ghost = bucketOf("s", "no such variant");
    const flags = [
      flagOf("no segments", []),
      flagOf("never", [{ conditions: [], variant: "on" }]),
      flagOf("always", [{ conditions: [[]], variant: "on" }, { variant: "off" }]),
      flagOf("also", [{ conditions: [[on("plan", "is", "a")], []], variant: "on" }]),
      flagOf("nothing", [{}, { variant: "no such variant" }, { variant: "off" }]),
      flagOf("no range", [{ bucket: nothing }, { bucket: nothing, variant: "on" }]),
      // Each bucket is hit and names nothing: on to the next clause, with and without conditions.
      ...times(9, (i) =>
        flagOf(`ghost ${i}`, [
          { bucket: ghost },
          { conditions: [[on("plan", "is", "a")], [on("plan", "is", "b")]], bucket: ghost },
          { conditions: [[on("plan", "is", "c")]], variant: "other" },
          { bucket: bucketOf(`t${i}`, "on", 50, i % 2 ? "id" : "plan") },
          { bucket: ghost, variant: "other" },
          { bucket: ghost },
          ...(i % 3 ? [{ variant: "off" }] : []),
        ]),
      ),
    ];
    const users = times(12, (i) => ({ id: `u${i}`, plan: ["a", "b", "c", "d"][i % 4] }));
    expectAgreement(flags, [...users, {}, { id: "" }, { plan: "c" }]);
  });
});

test("buckets: salts and values of all lengths, several selectors", () => {
  const salts = ["", "a", "ab", "abc", "abcd", "é", "aé", "\ud83d", "x".repeat(300)];
  // Five flags each: four are hashed at once, and one is left over.
  const flags = salts.flatMap((salt, i) =>
    times(5, (j) =>
      flagOf(`${i} ${j}`, [
        { bucket: bucketOf(salt.repeat(j || 1), "on", 50) },
        { bucket: bucketOf(salt, "off", 50, j % 2 ? "id" : "device") },
        { variant: "other" },
      ]),
    ),
  );
  const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 40, 41, 243, 244, 245, 246, 247, 248, 249, 8200];
  const texts = sizes.flatMap((size) => ["x".repeat(size), "é".repeat(size >>> 1)]);
  const odd = [
    ...texts,
    "\ud800",
    "a\udc00b",
    "😀".repeat(62),
    0,
    -0,
    5,
    false,
    null,
    ["a"],
    [],
    {},
  ];
  const list = ['["a"]', "[", { a: 1 }, 10n, Object.create(null)];
  expectAgreement(
    flags,
    [...odd, ...list].map((id, i) => ({ id, device: i % 3 ? `d${i}` : id })),
  );
});

describe("conditions", () => {
  const ORDERS = ["less", "less or equal", "greater", "greater or equal"];
  const flagPer = (conditions: ReturnType<typeof on>[]): EvaluationFlag[] =>
    conditions.map((condition, i) =>
      flagOf(`f${i}`, [{ conditions: [[condition]], variant: "on" }]),
    );

  test("numbers: ties, no numbers, infinities and spellings", () => {
    const limits = [
      "0",
      "-0",
      "5",
      "5.0",
      "0x5",
      " 5 ",
      "1e1",
      "10",
      "-1",
      "NaN",
      "x",
      "",
      "(none)",
    ];
    const all = [...limits, "Infinity", "-Infinity", "4.999999999999999"];
    const pairs = all.map((limit) => [limit, "5"]);
    const flags = flagPer(
      ORDERS.flatMap((op) =>
        [...all.map((limit) => [limit]), ...pairs, []].map((values) => on("age", op, ...values)),
      ),
    );
    const numbers = [0, -0, 5, 4.5, Number.NaN, Number.POSITIVE_INFINITY, null, true, 5n];
    const lists = [["5", "x"], [], ["-1", 10], '["5"]', "[5", {}];
    expectAgreement(
      flags,
      [...all, ...numbers, ...lists].map((age) => ({ age })),
    );
  });

  test("versions: prereleases, and what is none on either side", () => {
    const limits = ["1.2.3", "1.2", "1.2.0", "1.2.3-a", "1.2.3-b", "1.2.3-", "1.10.0", "9.0.0"];
    const all = [...limits, "1", "x", "1.2.3-é", "", "(none)", "1.2.3.4"];
    const values = [...all.map((limit) => [limit]), ["x", "1.2.3"], ["x", "y"], []];
    const flags = flagPer(
      ORDERS.flatMap((op) => values.map((limit) => on("version", `version ${op}`, ...limit))),
    );
    const odd = [["1.2.3", "x"], [], '["1.2"]', 1.2, null, {}, "1.2.3-\ud800"];
    expectAgreement(
      flags,
      [...all, ...odd].map((version) => ({ version })),
    );
  });

  test("lists, texts, null and what is neither, for all operators in one config", () => {
    const values = [["a"], ["a", "b"], ["TRUE", "b"], ["(none)"], ["a", "(none)"], [""], []];
    const ops = ["is", "is not", "contains", "does not contain", "no such operator"];
    const sets = ["is", "is not", "contains", "does not contain", "contains any"];
    const patterns = [["^a$"], ["^(?!a)"], ["b", "true"], []];
    const fields = ["plan", "tags", "id"];
    const conditions = fields.flatMap((field) => [
      ...ops.flatMap((op) => values.map((list) => on(field, op, ...list))),
      ...[...sets, "does not contain any"].flatMap((op) =>
        values.map((list) => on(field, `set ${op}`, ...list)),
      ),
      ...["match", "does not match"].flatMap((op) =>
        patterns.map((list) => on(field, `regex ${op}`, ...list)),
      ),
    ]);
    const flags = conditions.map((condition, i) => {
      const next = conditions[(i * 7) % conditions.length];
      const both = { conditions: [[condition, next]], bucket: bucketOf(`s${i}`, "other", 50) };
      return flagOf(`f${i}`, [both, { conditions: [[condition]], variant: "on" }]);
    });
    const seen = ["a", "b", "A", "true", "(none)", "", "[a", '["a"]', '["x","a","a"]', null, 5];
    const lists = [["a"], ["a", "b", "a"], ["x"], [], [""], ["True", "true", "b"], [null], [["a"]]];
    const odd = [{}, { toString: () => '["a"]' }, true, ["(none)", "x"]];
    const all = [...seen, ...lists, ...odd];
    expectAgreement(
      flags,
      all.map((plan, i) => ({ plan, tags: all[(i * 5 + 3) % all.length], id: all.at(-1 - i) })),
    );
  });

  test("more than a thousand regular expressions in one slot", () => {
    const flags = times(1500, (i) =>
      flagOf(`f${i}`, [
        {
          conditions: [[on(i % 9 ? "plan" : `p${i % 5}`, "regex match", `^a${i}$`)]],
          variant: "on",
        },
      ]),
    );
    expectAgreement(flags, [{ plan: "a7" }, { plan: ["x", "a8"], p0: "a9" }, { p1: "a9" }]);
  });
});

test("results: declared or not, of flags before, behind and of itself", () => {
  const result = (key: string, ...values: string[]) => ({
    selector: ["result", key, "key"],
    op: "is",
    values,
  });
  const reader = (key: string, of: string, more?: object): EvaluationFlag =>
    flagOf(
      key,
      [
        { conditions: [[result(of, "on"), on("plan", "is not", "z")]], variant: "on" },
        { variant: "off" },
      ],
      more,
    );
  const flags = [
    reader("early", "swept"),
    flagOf("swept", [{ conditions: [[on("plan", "is", "a")]], variant: "on" }]),
    reader("late", "swept"),
    reader("child", "parent", { dependencies: ["parent"] }),
    reader("parent", "missing"),
    reader("chain", "late"),
    flagOf("itself", [{ conditions: [[result("itself", "(none)")]], variant: "on" }]),
    flagOf("by result", [
      {
        bucket: { ...bucketOf("s", "on", 50), selector: ["result", "late", "key"] },
        variant: "off",
      },
    ]),
  ];
  const users = [{ plan: "a" }, { plan: "b" }, {}, { plan: "z" }];
  expectAgreement(flags, users);
  const all = { selector: ["result"], op: "contains", values: ['"swept"'] };
  expectAgreement([...flags, flagOf("whole", [{ conditions: [[all]], variant: "on" }])], users);
});

test("a user that throws behind the sweep leaves no result to the next", () => {
  const readsResult = { selector: ["result", "first", "key"], op: "is", values: ["on"] };
  const flags = [
    flagOf("first", [{ conditions: [[on("plan", "is", "a")]], variant: "on" }]),
    flagOf("second", [{ conditions: [[readsResult, on("age", "is not", "1")]], variant: "on" }]),
  ];
  const engine = Engine.loadSync(flags);
  const get = () => {
    throw new Error("mine");
  };
  const user = Object.defineProperty({ plan: "a" }, "age", { get });
  expect(() => engine.evaluateAll({ user })).toThrow("mine");
  // Alone it does not see the result of a flag that it does not depend on.
  expect(engine.variant({ user: { plan: "a", age: "2" } }, "second")).toBeUndefined();
});

test("records are the caller's own, whatever the keys and however many", () => {
  for (const count of [4, 1200]) {
    const keys = ["__proto__", "7", "constructor", ...times(count, (i) => `f${i}`), "0"];
    const flags = keys.map((key, i) =>
      flagOf(key, [
        { conditions: [[on("plan", "is", `p${i % 3}`, "all")]], variant: "on" },
        ...(i % 2 ? [{ variant: "off" }] : []),
      ]),
    );
    const engine = Engine.loadSync(flags);
    for (const plan of ["all", "p0", "p1", "all", "none", "p2", "all"]) {
      const context = { user: { plan } };
      const record = engine.evaluate(context);
      const expected = Object.entries(evaluateWithOracle(flags, context));
      // The oracle loses "__proto__" in a plain object.
      const entries = Object.entries(record).filter(([key]) => key !== "__proto__");
      expect(entries).toEqual(expected.filter(([key]) => key !== "__proto__"));
      expect(Object.hasOwn(record, "__proto__")).toBe(engine.evaluateAll(context).has("__proto__"));
      expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
      record.added = record.f1;
      for (const key of ["7", "f0", "__proto__"]) delete record[key];
    }
  }
});

test("views stay as they were, however many are made, and after an update", () => {
  const flags = times(33, (i) =>
    flagOf(`f${i}`, [{ bucket: bucketOf(`s${i}`, "on", 50), variant: "off" }]),
  );
  const engine = Engine.loadSync(flags);
  const contexts = times(1000, (i): EvaluationContext => ({ user: { id: `u${i}` } }));
  const views = contexts.map((context) => engine.evaluateAll(context));
  const expected = contexts.map((context) => evaluateWithOracle(flags, context));
  engine.update(flags.slice(5).reverse());
  engine.evaluateAll(contexts[0]);
  expect(views.map((view) => view.toObject())).toEqual(expected);
});

test("a getter may evaluate in the middle of all flags at once", () => {
  const flags = times(20, (i) =>
    flagOf(`f${i}`, [
      { conditions: [[on(`p${i % 4}`, "is", "a")]], bucket: bucketOf(`s${i}`, "on", 50) },
      { conditions: [[on(`p${i % 3}`, "regex match", "a|z")]], variant: "off" },
    ]),
  );
  const engine = Engine.loadSync(flags);
  const plain = { p0: "a", p1: "z", p2: "a", p3: "b", id: "u1" };
  const expected = evaluateWithOracle(flags, { user: plain });
  const other = { user: { p0: "z".repeat(20_000), p1: ["a"], id: "u2" } };
  const calls = [
    () => engine.evaluate(other),
    () => engine.evaluateAll(other).size,
    () => engine.evaluateMany([other, other]),
    () => engine.pin(other).explain("f3"),
    () => engine.evaluateMany({ "user.p0": ["a", "b"] }, ["f1"]),
  ];
  for (const call of calls) {
    const nested = (): EvaluationContext => {
      const user = { ...plain };
      for (const [name, value] of Object.entries(plain)) {
        const get = () => {
          call();
          return value;
        };
        Object.defineProperty(user, name, { get });
      }
      return { user };
    };
    expect(engine.evaluate(nested())).toEqual(expected);
    expect(engine.evaluateAll(nested()).toObject()).toEqual(expected);
    expect(engine.pin(nested()).evaluateAll().toObject()).toEqual(expected);
    const many = engine.evaluateMany([{}, nested()]);
    for (const key of many.flagKeys) expect(many.at(1, key)).toEqual(expected[key]);
  }
});
