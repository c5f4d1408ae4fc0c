// Evaluating must not leak: neither in the core, which has no collector, nor on the host's heap.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EvaluationContext } from "halyard/engine";
import { Engine } from "halyard/engine";
import { expect, test } from "vitest";

type Config = Parameters<typeof Engine.loadSync>[0];

const GROWTH_MAX = 2 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapUsed(): number {
  // Twice: the first collection may only queue what finalizers still hold.
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function flagsOf(count: number): Config {
  const selector = ["context", "user", "user_properties", "plan"];
  const allocations = [
    { range: [0, 50], distributions: [{ variant: "on", range: [0, 42949673] }] },
  ];
  const flags = Array.from({ length: count }, (_, index) => ({
    key: `flag-${index}`,
    variants: { on: { key: "on", value: "on", payload: { index } }, off: { key: "off" } },
    segments: [
      {
        conditions: [[{ selector, op: "is", values: ["pro", `plan-${index}`] }]],
        bucket: { selector: ["context", "user", "user_id"], salt: `s${index}`, allocations },
      },
      { variant: "off" },
    ],
  }));
  return flags as unknown as Config;
}

function user(index: number): EvaluationContext {
  const plan = index % 3 === 0 ? "pro" : `plan-${index % 60}`;
  // Every user brings new strings; a table of strings that only grows would show.
  return { user: { user_id: `user-${index}`, user_properties: { plan, [`p${index}`]: index } } };
}

function expectFlat(engine: Engine, warmUp: number, rounds: number, run: (i: number) => void) {
  for (let index = 0; index < warmUp; index++) run(index);
  const [memory, heap] = [engine.memoryBytes, heapUsed()];
  for (let index = 0; index < rounds; index++) run(index + warmUp);
  expect(engine.memoryBytes).toBe(memory);
  expect(heapUsed() - heap).toBeLessThan(GROWTH_MAX);
}

test("1,000,000 variant calls leave memory as it was", { timeout: 300_000 }, () => {
  const engine = Engine.loadSync(flagsOf(5));
  let on = 0;
  expectFlat(engine, 20_000, 1_000_000, (index) => {
    if (engine.variant(user(index), `flag-${index % 5}`)?.key === "on") on++;
  });
  expect(on).toBeGreaterThan(100_000);
});

test("20,000 evaluateAll calls over 60 flags leave memory as it was", { timeout: 300_000 }, () => {
  const engine = Engine.loadSync(flagsOf(60));
  let found = 0;
  expectFlat(engine, 2_000, 20_000, (index) => {
    const view = engine.evaluateAll(user(index));
    found += view.size;
    if (index % 10 === 0) found += Object.keys(view.toObject()).length;
  });
  expect(found).toBeGreaterThan(20_000);
});

test("300 updates leave memory as it was", { timeout: 300_000 }, () => {
  const engine = Engine.loadSync(flagsOf(60));
  const configs = [flagsOf(60), flagsOf(10), flagsOf(59)];
  expectFlat(engine, 60, 300, (index) => {
    engine.update(configs[index % configs.length] as Parameters<Engine["update"]>[0]);
    engine.evaluate(user(index));
  });
});

test("evaluations nested in a getter leave memory as it was", () => {
  const engine = Engine.loadSync(flagsOf(5));
  const nest = (depth: number): EvaluationContext => ({
    get user() {
      if (depth > 0) engine.variant(nest(depth - 1), "flag-0");
      return { user_id: "u", country: "us" };
    },
  });
  engine.variant(nest(20), "flag-0");
  const { memoryBytes } = engine;
  for (let i = 0; i < 500; i++) engine.variant(nest(20), "flag-0");
  expect(engine.memoryBytes).toBe(memoryBytes);
});

test("batches of 2,000 users leave memory as it was", () => {
  const engine = Engine.loadSync(flagsOf(60));
  const users = Array.from({ length: 2_000 }, (_, index) => user(index));
  const columns = { user: users.map((context) => context.user) };
  let on = 0;
  expectFlat(engine, 6, 24, (index) => {
    const many = index % 2 ? engine.evaluateMany(columns) : engine.evaluateMany(users);
    on += Number(many.at(index, "flag-3")?.key === "on");
  });
  expect(on).toBeGreaterThan(0);
});

test("records, and pinned users that are forgotten, leave memory as it was", () => {
  const engine = Engine.loadSync(flagsOf(60));
  let found = 0;
  expectFlat(engine, 2_000, 10_000, (index) => {
    const context = user(index);
    const record = engine.evaluate(context);
    record.added = record["flag-1"];
    delete record["flag-2"];
    const pinned = engine.pin(context);
    found += Number(pinned.variant("flag-3")?.key === "on");
    if (index % 10 === 0) found += Number(pinned.explain("flag-59")?.segmentIndex === 1);
    if (index % 3 === 0) pinned[Symbol.dispose]();
  });
  expect(found).toBeGreaterThan(1_000);
});
