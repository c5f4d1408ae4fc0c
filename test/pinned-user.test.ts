// Pinned users: the answers of their config and of their context as it was.
import {
  Engine,
  type EvaluationContext,
  type EvaluationFlag,
  type PinnedUser,
} from "halyard/engine";
import { expect, test } from "vitest";
import { bucketOf, engines, flagOf, on } from "./agree.ts";

const readsResult = { selector: ["result", "plan", "key"], op: "is", values: ["on"] };
const flags: EvaluationFlag[] = [
  flagOf("plan", [
    { conditions: [[on("plan", "is", "pro", '{"a":{"b":"x"}}')]], variant: "on" },
    { variant: "off" },
  ]),
  flagOf("early", [{ conditions: [[{ ...readsResult, values: ["(none)"] }]], variant: "on" }]),
  flagOf("result", [
    { conditions: [[readsResult]], bucket: bucketOf("s", "on", 50), variant: "off" },
  ]),
  flagOf("itself", [
    {
      conditions: [[{ ...readsResult, selector: ["result", "itself"], values: ["(none)"] }]],
      variant: "on",
    },
  ]),
  flagOf("tags", [{ conditions: [[on("tags", "set contains", "a", "b")]], variant: "on" }]),
  flagOf("any", [{ conditions: [[on("tags", "set contains any", "a")]], variant: "on" }]),
  flagOf("none", [{ conditions: [[on("plan", "is not", "x")]], variant: "on" }]),
  flagOf("none of tags", [{ conditions: [[on("tags", "is not", "x")]], variant: "on" }]),
  flagOf("bucket", [{ bucket: bucketOf("t", "on", 50, "plan") }]),
];
const keys = [...flags.map(({ key }) => key), "missing"];

/** What the engine itself answers, by flag. */
function answersOf(engine: Engine, context: EvaluationContext): Record<string, unknown> {
  const all = engine.evaluate(context);
  return Object.fromEntries(keys.map((key) => [key, all[key]]));
}

function expectAnswers(user: PinnedUser, answers: Record<string, unknown>): void {
  const view = user.evaluateAll();
  for (const [key, variant] of Object.entries(answers)) {
    expect(user.variant(key)).toBe(variant);
    expect(view.get(key)).toBe(variant);
    const why = user.explain(key);
    expect(why?.variant).toBe(variant);
    expect(why?.digest).toBe(key === "missing" ? undefined : user.digest);
    expect(why?.segments.find(({ chosen }) => chosen)?.matched ?? false).toBe(!!variant);
  }
}

class Tags {
  readonly text = '["a","b"]';
  toString(): string {
    return this.text;
  }
}

test("answer as the engine does, for any kind of value", () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  const cyclic: { list: unknown[] } = { list: [] };
  cyclic.list.push(cyclic, "a", "b");
  const values = [
    ...["pro", "x", '["a","b"]', 5, true, null, undefined, 10n, Symbol("s"), () => "pro"],
    ...[["a", "b"], [["a"], "b", "a"], [null, "a"], [() => 1, "a"], [bare], [new Tags(), "a"]],
    ...[{ a: { b: "x" } }, bare, new Tags(), { toString: () => '["a"]' }, { toJSON: () => ["a"] }],
    ...[
      new Date(0),
      new Map([["a", 1]]),
      new String('["a","b"]'),
      cyclic,
      cyclic.list,
      { f: bare },
    ],
    ...[{ n: -0, b: 1e21, text: "\ud800", f: () => 1 }, Object.freeze({ toJSON: () => undefined })],
  ];
  for (const engine of engines(flags)) {
    for (const value of values) {
      const context = { user: { id: "u1", plan: value, tags: value } };
      const user = engine.pin(context);
      expectAnswers(user, answersOf(engine, context));
      const { hash } = engine.explain(context, "bucket")!.segments[0].bucket!;
      expect(user.explain("bucket")!.segments[0].bucket!.hash).toBe(hash);
    }
    for (const context of [{}, null, undefined, 5, [], { user: null }]) {
      const odd = context as EvaluationContext;
      expectAnswers(engine.pin(odd), answersOf(engine, odd));
    }
  }
});

test("do not see what the caller writes to the context later", () => {
  const engine = Engine.loadSync(flags);
  const method = { a: { b: "x" }, method: () => 1 };
  const inner = { b: "x" };
  for (const plan of [{ a: inner }, method]) {
    const tags: unknown[] = ["a", "b", inner, () => 1];
    const context: { user: Record<string, unknown> } = { user: { id: "u1", plan, tags } };
    const user = engine.pin(context as EvaluationContext);
    const before = answersOf(engine, context as EvaluationContext);
    expect([before.plan, before.tags]).toMatchObject([{ key: "on" }, { key: "on" }]);
    tags.length = 0;
    plan.a.b = "y";
    expectAnswers(user, before);
    Object.assign(context.user, { id: "u2", plan: "x", tags: "x" });
    context.user = {};
    expectAnswers(user, before);
    inner.b = "x";
  }
});

test("read each value of the context once", () => {
  const engine = Engine.loadSync(flags);
  let reads = 0;
  const get = () => {
    reads++;
    return reads === 1 ? "pro" : "x";
  };
  const user = engine.pin({ user: Object.defineProperty({ id: "u1" }, "plan", { get }) });
  expectAnswers(user, answersOf(engine, { user: { id: "u1", plan: "pro" } }));
  expect(reads).toBe(1);
  const mine = () => {
    throw new Error("mine");
  };
  // As in an evaluation, it matters only where a flag asks for the property.
  const throwing = (user: object) => ({ user: Object.defineProperty(user, "id", { get: mine }) });
  expect(() => engine.pin(throwing({ plan: "pro" }))).toThrow("mine");
  expectAnswers(engine.pin(throwing({})), engine.evaluate({ user: {} }));
  expectAnswers(user, answersOf(engine, { user: { id: "u1", plan: "pro" } }));
});

test("keep their config when the engine gets another", () => {
  const engine = Engine.loadSync(flags);
  const context = { user: { id: "u1", plan: "pro", tags: ["a", "b"] } };
  const user = engine.pin(context);
  const [before, { digest }] = [answersOf(engine, context), engine];
  engine.update([flagOf("plan", [{ variant: "other" }]), flagOf("new", [{ variant: "on" }])]);
  expect(engine.variant(context, "plan")?.key).toBe("other");
  expectAnswers(user, before);
  expect(user.digest).toBe(digest);
  expect(user.variant("new")).toBeUndefined();
  expect(user.explain("new")).toBeUndefined();
  expect(engine.pin(context).digest).toBe(engine.digest);
});

test("answer no more when disposed of, but their views do", () => {
  const engine = Engine.loadSync(flags);
  const user = engine.pin({ user: { id: "u1", plan: "pro" } });
  const view = user.evaluateAll();
  user[Symbol.dispose]();
  user[Symbol.dispose]();
  const calls = [
    () => user.variant("plan"),
    () => user.variant("missing"),
    () => user.evaluateAll(),
    () => user.explain("plan"),
  ];
  for (const call of calls) expect(call).toThrow(/disposed/);
  expect(view.get("plan")?.key).toBe("on");
});
