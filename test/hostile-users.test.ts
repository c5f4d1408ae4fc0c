// User objects that throw, call back or take long.
import type { EvaluationFlag } from "@amplitude/experiment-core";
import { Engine, type EvaluationContext } from "halyard/engine";
import { expect, test } from "vitest";
import { sameInOrder } from "./difference.ts";
import { evaluateWithOracle } from "./oracle.ts";

const PLAN = ["context", "user", "plan"];
const AGE = ["context", "user", "age"];

function flagOf(key: string, selector: string[], op: string, values: string[]): EvaluationFlag {
  const variants = { on: { key: "on" }, off: { key: "off" } };
  const conditions = [[{ selector, op, values }]];
  const segments = [{ conditions, variant: "on" }, { variant: "off" }];
  return { key, variants, segments } as unknown as EvaluationFlag;
}

const flags = [flagOf("plan", PLAN, "is", ["a"]), flagOf("age", AGE, "less", ["18"])];
const load = (): Engine => Engine.loadSync(flags as Parameters<typeof Engine.loadSync>[0]);
const young = { user: { plan: "a", age: 5 } };
const youngAnswer = evaluateWithOracle(flags, young);

/** Nothing of the odd user may be left over. */
function expectUsable(engine: Engine): void {
  expect(sameInOrder(engine.evaluate(young), youngAnswer)).toBe(true);
  expect(engine.variant({ user: { plan: "b" } }, "plan")?.key).toBe("off");
}

/** The user's own error surfaces, or the value counts as null. */
function expectErrorOrNull(engine: Engine, context: EvaluationContext): void {
  const entries = [
    () => engine.evaluate(context).plan?.key,
    () => engine.variant(context, "plan")?.key,
    () => engine.evaluateAll(context).get("plan")?.key,
    () => engine.explain(context, "plan")?.variant?.key,
  ];
  for (const entry of entries) {
    try {
      expect(entry()).toBe("off");
    } catch (error) {
      expect(String(error)).toMatch(/mine|cyclic|circular|convert|BigInt|Symbol|revoked/i);
    }
    expectUsable(engine);
  }
}

const mine = (): never => {
  throw new Error("mine");
};

test("getters, proxies and conversions that throw leave the engine usable", () => {
  const engine = load();
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const plans = [
    ...[{ toJSON: mine }, cyclic, { big: 1n }, Symbol("s"), Object.create(null)],
    ...[{ toString: mine }, [{ toJSON: mine }], [cyclic], new Proxy({}, { get: mine })],
    revoked.proxy,
  ];
  for (const plan of plans) expectErrorOrNull(engine, { user: { plan, age: 5 } });
  const throwing = Object.defineProperty({}, "plan", { get: mine, enumerable: true });
  expectErrorOrNull(engine, { user: throwing });
  expectErrorOrNull(engine, Object.defineProperty({}, "user", { get: mine }));
  expectErrorOrNull(engine, { user: new Proxy({}, { get: mine, has: mine, ownKeys: mine }) });
});

test("a getter that throws matters only where a flag asks for its property", () => {
  const conditions = [
    [
      { selector: PLAN, op: "is", values: ["never"] },
      { selector: AGE, op: "less", values: ["18"] },
    ],
  ];
  const segments = [{ conditions, variant: "on" }, { variant: "off" }];
  const flag = { key: "both", variants: { on: { key: "on" }, off: { key: "off" } }, segments };
  const both = [flag] as unknown as EvaluationFlag[];
  const context = { user: Object.defineProperty({ plan: "a" }, "age", { get: mine }) };
  const expected = evaluateWithOracle(both, context);
  const engine = Engine.loadSync(both as Parameters<typeof Engine.loadSync>[0]);
  expect(engine.evaluate(context)).toStrictEqual(expected);
  expect(engine.evaluateAll(context).toObject()).toStrictEqual(expected);
  expect(engine.evaluateMany([context]).at(0, "both")).toStrictEqual(expected.both);
});

test("an endless throw does not use up the core's memory", () => {
  const engine = load();
  const throwing = { user: Object.defineProperty({}, "age", { get: mine }) };
  const before = engine.memoryBytes;
  for (let round = 0; round < 5_000; round++) {
    try {
      engine.evaluate(throwing);
    } catch {
      // Counted by the memory below.
    }
  }
  expect(engine.memoryBytes).toBe(before);
  expectUsable(engine);
});

test("a getter may evaluate another user with the same engine", () => {
  const engine = load();
  const calls: (() => unknown)[] = [
    () => engine.evaluate({ user: { plan: "b", age: 99 } }),
    () => engine.variant({ user: { plan: "b", age: "x".repeat(50_000) } }, "age"),
    () => engine.evaluateAll({ user: { plan: ["b"], age: 99 } }).toObject(),
    () => engine.explain({ user: { plan: "b", age: 99 } }, "age"),
    () =>
      engine.evaluate({
        user: {
          get plan() {
            return engine.variant({}, "age")?.key;
          },
        },
      }),
  ];
  for (const call of calls) {
    for (const slow of ["plan", "age"] as const) {
      const context = () => {
        const get = (): unknown => {
          call();
          return young.user[slow];
        };
        return { user: Object.defineProperty({ ...young.user }, slow, { get }) };
      };
      expect(engine.evaluate(context())).toStrictEqual(youngAnswer);
      expect(engine.evaluateAll(context()).toObject()).toStrictEqual(youngAnswer);
      expect(engine.variant(context(), "age")).toStrictEqual(youngAnswer.age);
      expect(engine.explain(context(), "plan")?.variant).toStrictEqual(youngAnswer.plan);
    }
  }
  expectUsable(engine);
});

test("a getter may update the engine it is read by", () => {
  const engine = load();
  const other = [flagOf("plan", AGE, "is", ["7"])] as Parameters<Engine["update"]>[0];
  const get = (): string => {
    engine.update(other);
    return "a";
  };
  const context = { user: Object.defineProperty({ age: 7 }, "plan", { get }) };
  // Either config's answer will do, an error that says so as well; a mix or a crash will not.
  try {
    expect(["on", "off"]).toContain(engine.evaluate(context).plan?.key);
  } catch (error) {
    expect(error).not.toBeInstanceOf(WebAssembly.RuntimeError);
    expect(error).not.toBeInstanceOf(RangeError);
  }
  engine.update(flags as Parameters<Engine["update"]>[0]);
  expectUsable(engine);
});

test("a getter that evaluates the user it is of ends", () => {
  const engine = load();
  const user = {
    get plan() {
      return engine.evaluate({ user });
    },
  };
  expect(() => engine.evaluate({ user })).toThrow(/call stack|at most/);
  expectUsable(engine);
});

test("a long wrong version takes linear time", () => {
  const version = `1.0.0-${"a".repeat(50_000)}!`;
  const dotted = `1.0.0-${"a.".repeat(50_000)}!`;
  const config = [
    flagOf("less", PLAN, "version less", ["1.0.0", "2.0"]),
    flagOf("value", AGE, "version greater", [version, dotted]),
  ];
  const engine = Engine.loadSync(config as Parameters<typeof Engine.loadSync>[0]);
  // No version, so the texts are compared: the oracle's pattern would need years to find out.
  for (const plan of [version, dotted]) {
    expect(engine.evaluate({ user: { plan, age: version } }).less?.key).toBe("on");
  }
});

test("huge users leave the next user alone", () => {
  const engine = load();
  const long = "x".repeat(3_000_000);
  for (const plan of [long, Array(200_000).fill("a"), { long }, `["${long}"]`]) {
    const context = { user: { plan, age: long } };
    expect(engine.evaluate(context)).toStrictEqual(evaluateWithOracle(flags, context));
    expectUsable(engine);
  }
});

test("an element that reads differently each time stays inside its session", () => {
  const tags = ["context", "user", "tags"];
  const config = [flagOf("tags", tags, "set contains any", ["x"])];
  for (const backend of ["wasm-simd", "js"] as const) {
    const engine = Engine.loadSync(config as Parameters<typeof Engine.loadSync>[0], { backend });
    let reads = 0;
    const get = () => {
      reads++;
      return reads > 1 ? "\0".repeat(30_000) : "x";
    };
    const list = Object.defineProperty(["x", "y"], 0, { get, enumerable: true });
    expect(engine.variant({ user: { tags: list } }, "tags")?.key).toBe("on");
    expect(reads).toBe(1);
    expect(engine.variant({ user: { tags: ["x"] } }, "tags")?.key).toBe("on");
  }
});

test("a value is explained as it was read", () => {
  const engine = load();
  let reads = 0;
  const get = () => (reads++ === 0 ? "a" : "b");
  const why = engine.explain({ user: Object.defineProperty({}, "plan", { get }) }, "plan");
  expect(why?.segments[0].conditions?.[0][0]).toMatchObject({ value: "a", matched: true });
});

test("what the engine hands out cannot be changed", () => {
  const engine = load();
  expect(Object.isFrozen(engine.evaluateMany([{}]).flagKeys)).toBe(true);
  expect(Object.isFrozen(engine.warnings)).toBe(true);
  const user = engine.pin({ user: { plan: ["a"], age: 5 } });
  const value = user.explain("plan")?.segments[0].conditions?.[0][0].value;
  expect(Object.isFrozen(value)).toBe(true);
  expect(user.explain("plan")?.variant).toStrictEqual(user.variant("plan"));
});
