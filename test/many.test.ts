// engine.evaluateMany: users in every form, each row as the engine answers it alone.
import { type Columns, ContextError, Engine, type EvaluationContext } from "halyard/engine";
import { expect, test } from "vitest";
import { bucketOf, engines, flagOf, on } from "./agree.ts";

const plan = (...values: string[]) => ({
  selector: ["context", "user", "user_properties", "plan"],
  op: "is",
  values,
});
const parent = { selector: ["result", "plan", "key"], op: "is", values: ["on"] };
const flags = [
  flagOf("plan", [{ conditions: [[plan("pro")]], variant: "on" }]),
  flagOf("2", [{ bucket: bucketOf("s", "on", 50), variant: "off" }]),
  flagOf("child", [{ conditions: [[parent]], variant: "on" }], { dependencies: ["plan"] }),
  flagOf("age", [{ conditions: [[on("age", "greater", "9007199254740993")]], variant: "on" }]),
  flagOf("tags", [{ conditions: [[on("tags", "set contains any", "a")]], variant: "on" }]),
];
const USERS = 150;
const rows = Array.from({ length: USERS }, (_, i) => ({
  id: `u${i}`,
  age: 2n ** 53n + BigInt(i) * 2n,
  tags: i % 3 ? ["a", i] : "b",
  user_properties: { plan: i % 2 ? "pro" : "free" },
}));
const contexts = rows.map((user) => ({ user }) as unknown as EvaluationContext);

// Which form it is does not matter to the overloads that are tried here.
type Users = Iterable<EvaluationContext>;
type Stream = AsyncIterable<EvaluationContext>;

function* generator(): Iterable<EvaluationContext> {
  yield* contexts;
}

async function* stream(): Stream {
  for (const context of contexts) {
    await Promise.resolve();
    yield context;
  }
}

/** Only what an Arrow vector has; an array of chunks besides, which is not to be read. */
function vectorOf<Value>(values: readonly Value[]): { length: number; get(row: number): Value } {
  return Object.assign(Object.create({ 0: "chunk" }), {
    length: values.length,
    get: (row: number) => values[row],
  });
}

const column = <Value>(read: (user: (typeof rows)[number]) => Value): Value[] => rows.map(read);

test("contexts and columns of any form give each user's own answers", async () => {
  const ids = column(({ id }) => id);
  const ages = BigInt64Array.from(column(({ age }) => age));
  const tags = column((user) => user.tags);
  const properties = column((user) => user.user_properties);
  const plans = column((user) => user.user_properties.plan);
  const dotted = { "user.id": ids, "user.age": ages, "user.tags": tags };
  const tables = [
    { ...dotted, "user.user_properties.plan": plans },
    // The longest name that begins a selector counts.
    { ...dotted, user: Array(USERS).fill({}), "context.user.user_properties": properties },
    {
      ...dotted,
      "user.user_properties": Array(USERS).fill({}),
      ...{ "user.user_properties.plan": plans },
    },
    { context: { user: { id: ids, age: ages, tags, user_properties: { plan: plans } } } },
    { user: { id: vectorOf(ids), age: ages, tags: vectorOf(tags), user_properties: properties } },
    { user: rows, unused: new Uint8Array(USERS) },
  ];
  for (const engine of engines(flags)) {
    const expected = contexts.flatMap((context) =>
      engine.flagKeys.map((key) => engine.evaluate(context)[key]),
    );
    const all = [contexts, generator(), new Set(contexts), ...tables].map((users) =>
      engine.evaluateMany(users as Users),
    );
    for (const many of [...all, await engine.evaluateMany(stream())]) {
      expect(many.userCount).toBe(USERS);
      expect(many.flagKeys).toEqual(engine.flagKeys);
      expect(many.digest).toBe(engine.digest);
      expect(many.outcomes).toEqual(all[0].outcomes);
      const answers = contexts.flatMap((_, row) => many.flagKeys.map((key) => many.at(row, key)));
      for (const [i, variant] of answers.entries()) expect(variant).toBe(expected[i]);
    }
  }
});

test("numbers of typed arrays are texts and numbers, and null is null", () => {
  const ops = ["is", "less", "version less", "contains", "set contains"];
  const engine = Engine.loadSync(
    ops.flatMap((op) =>
      ["5", "(none)", "1.5"].map((value) =>
        flagOf(`${op} ${value}`, [{ conditions: [[on("age", op, value)]], variant: "on" }]),
      ),
    ),
  );
  const ages = [5, 1.5, -0, Number.NaN, 5e-324];
  const columns = [Float64Array.from(ages), [...ages], [null, undefined, "5", [5], { a: 1 }]];
  for (const values of columns) {
    const many = engine.evaluateMany({ "user.age": values });
    for (const [row, age] of [...values].entries()) {
      const expected = engine.evaluate({ user: { age } });
      for (const key of many.flagKeys) expect(many.at(row, key)).toBe(expected[key]);
    }
  }
});

test("flag keys give the matrix its columns: in their order, unknown ones empty", () => {
  const engine = Engine.loadSync(flags);
  const keys = ["child", "no such flag", "2", "child", "__proto__"];
  const many = engine.evaluateMany(contexts, keys);
  expect(many.flagKeys).toEqual(keys);
  expect(many.outcomes.length).toBe(USERS * keys.length);
  keys.length = 0;
  for (const [row, context] of contexts.entries()) {
    const at = (place: number) => many.outcomes[row * many.flagKeys.length + place];
    expect([at(1), at(4), at(3)]).toEqual([0, 0, at(0)]);
    expect(many.at(row, "child")).toBe(engine.variant(context, "child"));
    expect(many.at(row, "2")).toBe(engine.variant(context, "2"));
    for (const key of ["plan", "no such flag", "__proto__"])
      expect(many.at(row, key)).toBe(undefined);
  }
  const unknown = engine.evaluateMany(contexts.slice(0, 2), ["no such flag"]);
  expect([...unknown.outcomes]).toEqual([0, 0]);
  expect(engine.evaluateMany(contexts, []).flagKeys).toEqual(engine.flagKeys);
});

test("a user that does not exist is a RangeError", () => {
  const many = Engine.loadSync(flags).evaluateMany(contexts.slice(0, 2));
  for (const row of [-1, 2, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "0" as never]) {
    expect(() => many.at(row, "plan")).toThrow(RangeError);
    expect(() => many.at(row, "no such flag")).toThrow(RangeError);
  }
});

test("no users, no flags", async () => {
  for (const engine of [Engine.loadSync(flags), Engine.loadSync([])]) {
    const none = (async function* (): Stream {})();
    const empty = [[], new Set(), { "user.id": [] }].map((users) =>
      engine.evaluateMany(users as Users),
    );
    for (const many of [...empty, await engine.evaluateMany(none)]) {
      expect(many.userCount).toBe(0);
      expect(many.outcomes.length).toBe(0);
      expect(many.flagKeys).toEqual(engine.flagKeys);
      expect(() => many.at(0, "plan")).toThrow(RangeError);
    }
  }
  const many = Engine.loadSync([]).evaluateMany(contexts);
  expect([many.userCount, many.at(USERS - 1, "plan")]).toEqual([USERS, undefined]);
  expect(Engine.loadSync([]).variant({}, undefined as never)).toBeUndefined();
});

test("what is neither contexts nor columns is a ContextError", () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const engine = Engine.loadSync(flags);
  const bad: [unknown, RegExp][] = [
    [null, /contexts or columns, got null/],
    [undefined, /contexts or columns, got undefined/],
    ["text", /contexts or columns/],
    [7, /contexts or columns, got 7/],
    [() => contexts, /contexts or columns/],
    [{}, /at least one/],
    [{ user: {} }, /at least one/],
    [{ "user.id": ["u1", "u2"], "user.age": [1] }, /expected 2 values each, got 1 in "user.age"/],
    [{ user: { id: ["u1"], age: new Uint8Array(2) } }, /got 2 in "user.age"/],
    [{ "user.id": "u1" }, /an array in "user.id", got "u1"/],
    [{ user: { id: null } }, /an array in "user.id", got null/],
    [{ user: { id: ["u1"], age: 5 } }, /an array in "user.age", got 5/],
    [{ user: { id: [1] }, "user.id": [1] }, /"user.id" once, got it twice/],
    [cyclic, /at most 64 levels/],
    ...[-1, 1.5, Number.NaN].map((length): [unknown, RegExp] => [{ id: { length } }, /columns: /]),
  ];
  for (const [users, message] of bad) {
    const call = () => engine.evaluateMany(users as Users);
    expect(call).toThrow(ContextError);
    expect(call).toThrow(message);
  }
});

test("a source that throws leaves the engine usable", async () => {
  const engine = Engine.loadSync(flags);
  const mine = (): never => {
    throw new Error("mine");
  };
  const throwing = { user: Object.defineProperty({ id: "u" }, "age", { get: mine }) };
  function* broken(): Iterable<EvaluationContext> {
    yield contexts[1];
    mine();
  }
  const columns: Columns = { "user.id": { length: 2, get: mine } };
  const sources = [broken, () => [contexts[1], throwing], () => columns];
  const expected = engine.evaluateMany(contexts).outcomes;
  const before = engine.memoryBytes;
  for (let round = 0; round < 200; round++) {
    for (const make of sources) {
      expect(() => engine.evaluateMany(make() as Users)).toThrow("mine");
    }
    const streams = sources.slice(0, 2).map(async function* (make): Stream {
      yield* make() as Users;
    });
    for (const users of streams) await expect(engine.evaluateMany(users)).rejects.toThrow("mine");
  }
  expect(engine.evaluateMany(contexts).outcomes).toEqual(expected);
  expect(engine.memoryBytes).toBe(before);
});

test("the config stays the same from the first user to the last", async () => {
  const engine = Engine.loadSync(flags);
  const [expected, { digest }] = [engine.evaluateMany(contexts).outcomes, engine];
  const next = [flagOf("plan", [{ variant: "other" }])];
  async function* updating(): Stream {
    for (const [i, context] of contexts.entries()) {
      if (i === 70) engine.update(next);
      // Others use the engine while the stream is waited for.
      await engine.evaluateMany(stream());
      engine.evaluate(contexts[(i * 7) % USERS]);
      yield context;
    }
  }
  const many = await engine.evaluateMany(updating());
  expect(many.outcomes).toEqual(expected);
  expect(many.digest).toBe(digest);
  expect(many.at(1, "plan")?.key).toBe("on");
  expect(engine.evaluateMany(contexts).at(1, "plan")?.key).toBe("other");
  expect(engine.digest).not.toBe(digest);
});
