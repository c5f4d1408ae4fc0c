// Ten thousand device ids: Halyard puts each one where the reference engine does.
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { Engine } from "halyard/engine";
import { describe, test } from "vitest";
import { evaluateWithOracle, hashWithOracle } from "./oracle.ts";

const ids = Array.from({ length: 10_000 }, (_, index) => String(index + 1));
const salts = ["halyard", "zT8q1LxW", "соль", "salt/with/slashes", ""];
const SLOTS = 42_949_673;

const allocations = { "1 %": 1, "50 %": 50, "99 %": 99 };
const splits = {
  "1/99": [1, 99],
  "50/50": [50, 50],
  "99/1": [99, 1],
  "25x4": [25, 25, 25, 25],
};

function ranges(weights: number[]): { variant: string; range: number[] }[] {
  let total = 0;
  return weights.map((weight, index) => {
    const start = Math.floor((total * SLOTS) / 100);
    total += weight;
    return { variant: `v${index}`, range: [start, Math.floor((total * SLOTS) / 100)] };
  });
}

function makeFlag(salt: string, percent: number, weights: number[]) {
  const names = [...weights.map((_, index) => `v${index}`), "off"];
  return {
    key: "flag",
    variants: Object.fromEntries(names.map((name) => [name, { key: name }])),
    segments: [
      {
        bucket: {
          selector: ["context", "user", "device_id"],
          salt,
          allocations: [{ range: [0, percent], distributions: ranges(weights) }],
        },
        variant: "off",
      },
    ],
  };
}

type Evaluate = (context: Record<string, unknown>) => Record<string, unknown>;

function variantsOf(evaluate: Evaluate): string[] {
  return ids.map((id) => {
    const { flag } = evaluate({ user: { device_id: id } }) as { flag: { key: string } };
    return flag.key;
  });
}

function count(variants: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const variant of variants) counts[variant] = (counts[variant] ?? 0) + 1;
  return counts;
}

function check(flag: ReturnType<typeof makeFlag>): Record<string, number> {
  const engine = Engine.loadSync([flag]);
  const actual = variantsOf((context) => engine.evaluate(context));
  const expected = variantsOf((context) => evaluateWithOracle([flag], context));
  deepStrictEqual(count(actual), count(expected));
  deepStrictEqual(actual, expected);
  return count(actual);
}

// Five standard deviations of a binomial distribution.
function near(actual: number, percent: number): void {
  const share = percent / 100;
  const spread = 5 * Math.sqrt(ids.length * share * (1 - share));
  ok(Math.abs(actual - ids.length * share) <= spread, `${actual} for ${percent} %`);
}

describe.each(salts)("salt %j", (salt) => {
  test.each(Object.entries(allocations))("allocation of %s", (_, percent) => {
    near(check(makeFlag(salt, percent, [100])).v0, percent);
  });

  test.each(Object.entries(splits))("split %s", (_, weights) => {
    const counts = check(makeFlag(salt, 100, weights));
    for (const [index, weight] of weights.entries()) near(counts[`v${index}`], weight);
    strictEqual(counts.off, undefined);
  });
});

test("hash vectors", () => {
  strictEqual(hashWithOracle("My hovercraft is full of eels."), 2953494853);
  strictEqual(hashWithOracle("My 🚀 is full of 🦎."), 1818098979);
  strictEqual(hashWithOracle("吉 星 高 照"), 3435142074);
});

// The text splits at its slash into salt and value. Each range holds one slot only, so a hit proves
// both the allocation slot and the distribution slot.
test.each([
  "My hovercraft/is full of eels.",
  "My 🚀/is full of 🦎.",
  "吉/星 高 照",
  "\ud83d/\udd80x",
])("slots of %j", (text) => {
  const slash = text.indexOf("/");
  const hash = hashWithOracle(text);
  const slot = Math.floor(hash / 100);
  const flag = makeFlag(text.slice(0, slash), 100, [100]);
  flag.segments[0].bucket.allocations[0] = {
    range: [hash % 100, (hash % 100) + 1],
    distributions: [{ variant: "v0", range: [slot, slot + 1] }],
  };
  const context = { user: { device_id: text.slice(slash + 1) } };
  deepStrictEqual(Engine.loadSync([flag]).evaluate(context), {
    flag: { key: "v0", metadata: {} },
  });
});
