// The compact engine's own promises; its answers: cases.test.ts, differential.test.ts and, in other
// runtimes, npm run test:runtimes.
import { readFileSync } from "node:fs";
import { Engine, type EvaluationFlag } from "halyard/engine";
import { CompactEngine } from "halyard/engine/compact";
import { describe, expect, test } from "vitest";
import { evaluateWithOracle } from "./oracle.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../examples/${name}`, import.meta.url), "utf8"));
const flags: EvaluationFlag[] = read("flags.json");
const context = { user: read("users.json")[0] };
const BACKENDS = ["wasm", "js"] as const;

const variants = { on: { key: "on" }, off: { key: "off" } };
const PLAN = ["context", "user", "plan"];

function flagOf(key: string, selector: string[], op: string, values: string[]): EvaluationFlag {
  const conditions = [[{ selector, op, values }]];
  return { key, variants, segments: [{ conditions, variant: "on" }, { variant: "off" }] };
}

const planOf = (plan: unknown) => ({ user: { plan } });

describe.each(BACKENDS)("%s", (backend) => {
  const load = (config: EvaluationFlag[]) => CompactEngine.load(config, { backend });

  test("is what the engine says it runs, also after an update", async () => {
    const engine = await load(flags);
    expect(engine.backend).toBe(backend);
    engine.update(flags.slice(1));
    expect(engine.backend).toBe(backend);
    expect(engine.evaluate(context)).toEqual(Engine.loadSync(flags.slice(1)).evaluate(context));
  });

  test("says of flags what the engine says, but of cohorts nothing", async () => {
    const odd = [
      ...flags,
      { ...flags[0], key: "broken", segments: null },
      { ...flagOf("loop", PLAN, "is", ["a"]), dependencies: ["loop"] },
      flagOf("pattern", PLAN, "regex match", ["("]),
      flagOf("operator", PLAN, "is like", ["a"]),
      flagOf("number", PLAN, "is", [7 as unknown as string]),
      flagOf("cohort", ["context", "user", "cohort_ids"], "set contains any", ["c1"]),
      null,
    ] as EvaluationFlag[];
    const [compact, engine] = [await load(odd), Engine.loadSync(odd)];
    const warnings = engine.warnings.filter(({ code }) => code !== "unknown-cohort");
    expect(new Set(warnings.map(({ code }) => code)).size).toBe(5);
    expect(compact.warnings).toEqual(warnings);
    expect(compact.flagKeys).toEqual(engine.flagKeys);
    const user = { ...planOf("7").user, cohort_ids: ["c1"] };
    expect(compact.evaluate({ user })).toEqual(engine.evaluate({ user }));
  });

  test("reads on after its memory has grown", async () => {
    const engine = await load([flagOf("long", PLAN, "is", ["x".repeat(1_000_000)])]);
    for (const size of [1, 1_000_000, 999_999, 5_000_000, 1_000_000]) {
      const expected = size === 1_000_000 ? "on" : "off";
      expect(engine.variant(planOf("x".repeat(size)), "long")?.key).toBe(expected);
    }
  });

  test("a chain of 5,000 flags", async () => {
    const chain = Array.from({ length: 5_000 }, (_, index) =>
      index === 0
        ? flagOf("f0", PLAN, "is", ["a"])
        : {
            ...flagOf(`f${index}`, ["result", `f${index - 1}`, "key"], "is", ["on"]),
            dependencies: [`f${index - 1}`],
          },
    );
    const engine = await load(chain);
    expect(engine.variant(planOf("a"), "f4999")?.key).toBe("on");
    expect(engine.variant(planOf("b"), "f4999")?.key).toBe("off");
    expect(Object.keys(engine.evaluate(planOf("a"), ["f10"]))).toHaveLength(11);
  });

  test("100,000 users leave nothing behind", { timeout: 60_000 }, async () => {
    const engine = await load([flagOf("plan", PLAN, "is", ["a"])]);
    const ask = (round: number) => engine.variant(planOf("x".repeat(round % 500)), "plan");
    for (let round = 0; round < 20_000; round++) ask(round);
    // Memories of WebAssembly count as external only.
    const before = process.memoryUsage().external;
    for (let round = 0; round < 80_000; round++) ask(round);
    expect(process.memoryUsage().external - before).toBeLessThan(1_000_000);
  });
});

describe("update", () => {
  test("of something that is no config throws, and the old one stays", () => {
    const engine = CompactEngine.loadSync(flags);
    const wrong = expect.objectContaining({ name: "ConfigError", code: "invalid-config" });
    expect(() => engine.update("flags" as never)).toThrow(wrong);
    expect(engine.flagKeys).toHaveLength(flags.length);
  });

  test("by a getter that an evaluation reads leaves that evaluation its config", () => {
    const engine = CompactEngine.loadSync([flagOf("plan", PLAN, "is", ["a"])]);
    const get = () => {
      engine.update([flagOf("other", PLAN, "is", ["b"])]);
      return "a";
    };
    const user = Object.defineProperty({}, "plan", { get });
    expect(engine.evaluate({ user })).toMatchObject({ plan: { key: "on" } });
    expect(engine.evaluate(planOf("b"))).toMatchObject({ other: { key: "on" } });
  });
});

test("keys that update the engine are those of the config that is evaluated", () => {
  const many = Array.from({ length: 50_000 }, (_, index) => flagOf(`f${index}`, PLAN, "is", ["a"]));
  const engine = CompactEngine.loadSync(many);
  const keys = new Proxy(["f49999", "f7"], {
    get(target, name) {
      if (name === "map") engine.update([flagOf("f7", PLAN, "is", ["b"])]);
      return Reflect.get(target, name);
    },
  });
  expect(Object.keys(engine.evaluate(planOf("a"), keys))).toEqual(["f49999", "f7"]);
  expect(engine.evaluate(planOf("a"), keys)).toEqual({ f7: { key: "off", metadata: {} } });
  expect(engine.variant(planOf("b"), "f7")?.key).toBe("on");
});

test("what is given instead of flags, or of a backend, is refused", async () => {
  const image = Engine.loadSync(flags).toImage();
  const noFlags = expect.objectContaining({ name: "ConfigError", code: "invalid-config" });
  expect(() => CompactEngine.loadSync(image as never)).toThrow(noFlags);
  const options = { backend: "wasm-simd" } as never;
  const message = 'backend: expected "wasm" or "js", got another one';
  await expect(CompactEngine.load(flags, options)).rejects.toThrow(message);
  expect(() => CompactEngine.loadSync(flags, options)).toThrow(message);
});

test("a getter may evaluate another user", () => {
  const engine = CompactEngine.loadSync(flags);
  const expected = evaluateWithOracle(flags as never, context);
  const user = { ...context.user };
  for (const [name, value] of Object.entries(context.user)) {
    const get = () => {
      engine.evaluate({ user: { user_id: "x".repeat(100_000) } });
      engine.variant({ user: {} }, flags[0].key);
      return value;
    };
    Object.defineProperty(user, name, { get });
  }
  expect(engine.evaluate({ user })).toEqual(expected);
});

test("a getter that throws leaves the next user alone", () => {
  const config = [
    flagOf("plan", PLAN, "is", ["a"]),
    { ...flagOf("seen", ["result", "plan", "key"], "is", ["on"]), dependencies: ["plan"] },
    // Declares nothing: asked alone, it sees nothing.
    flagOf("unseen", ["result", "plan", "key"], "is", ["on"]),
    flagOf("age", ["context", "user", "age"], "is", ["1"]),
  ];
  const engine = CompactEngine.loadSync(config);
  const get = () => {
    throw new Error("mine");
  };
  const user = Object.defineProperty({ plan: "a" }, "age", { get });
  for (let round = 0; round < 3; round++) {
    expect(() => engine.evaluate({ user })).toThrow("mine");
    expect(engine.variant(planOf("a"), "unseen")?.key).toBe("off");
    expect(engine.variant(planOf("b"), "seen")?.key).toBe("off");
    expect(engine.evaluate(planOf("a"))).toMatchObject({ seen: { key: "on" } });
  }
});

test("variants are shared and deeply frozen, the caller's flags are neither", () => {
  const config = structuredClone(flags);
  const engine = CompactEngine.loadSync(config);
  const [first, again] = [engine.evaluate(context), engine.evaluate(context)];
  for (const [key, variant] of Object.entries(first)) {
    expect(variant).toBe(again[key]);
    expect(Object.isFrozen(variant) && Object.isFrozen(variant.metadata)).toBe(true);
  }
  config[0].segments.length = 0;
  config[0].variants = {};
  expect(engine.evaluate(context)).toEqual(first);
});

test("names of Object.prototype are ordinary keys", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const engine = CompactEngine.loadSync(names.map((name) => flagOf(name, PLAN, "is", ["a"])));
  expect(Object.keys(engine.evaluate(planOf("a")))).toEqual(names);
  expect(names.map((name) => engine.variant(planOf("b"), name)?.key)).toEqual(
    names.map(() => "off"),
  );
  expect(CompactEngine.loadSync([]).variant({}, "toString")).toBeUndefined();
});
