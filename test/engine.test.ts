// The engine's own promises: what the cases and the oracle cannot say.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as root from "halyard";
import { ConfigError, Engine, type EvaluationFlag, toContext } from "halyard/engine";
import { describe, expect, test } from "vitest";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../examples/${name}`, import.meta.url), "utf8"));
const flags: EvaluationFlag[] = read("flags.json");
const users: Record<string, never>[] = read("users.json");
const context = toContext(users[0]);

const { convertUserToEvaluationContext } = createRequire(import.meta.url)(
  "@amplitude/experiment-node-server/dist/src/util/user.js",
) as { convertUserToEvaluationContext(user: unknown): unknown };

test("the package root exports the engine too", () => {
  expect(root.Engine).toBe(Engine);
});

test("toContext maps users as Amplitude's Node SDK does", () => {
  const odd = [
    undefined,
    null,
    {},
    { user_id: "u", groups: {} },
    { groups: { org: [] } },
    { groups: { org: [""] }, user_id: "u" },
    { groups: { org: ["a", "b"] }, group_properties: { org: { a: { x: 1 }, b: { x: 2 } } } },
    { groups: { org: ["a"] }, group_cohort_ids: { org: { a: ["c1"] } }, cohort_ids: ["c2"] },
    { groups: { org: ["a"] }, group_properties: { org: { a: {} } } },
  ];
  for (const user of [...users, ...odd]) {
    expect(toContext(user as never)).toStrictEqual(convertUserToEvaluationContext(user));
  }
});

describe("images", () => {
  test("are byte-identical for the same flags, and differ for others", () => {
    const image = Engine.loadSync(flags).toImage();
    expect(Engine.loadSync(structuredClone(flags)).toImage()).toEqual(image);
    expect(Engine.loadSync(image).toImage()).toEqual(image);
    expect(Engine.loadSync(flags.slice(1)).toImage()).not.toEqual(image);
  });

  test("carry warnings, keys and digest", async () => {
    const broken = { ...flags[0], key: "broken", segments: null } as unknown as EvaluationFlag;
    const engine = await Engine.load([...flags, broken]);
    const loaded = await Engine.load(engine.toImage());
    expect(loaded.warnings).toEqual(engine.warnings);
    expect(loaded.warnings.filter(({ code }) => code === "malformed-flag")).toHaveLength(1);
    expect(loaded.flagKeys).toEqual(engine.flagKeys);
    expect(loaded.digest).toBe(engine.digest);
    expect(loaded.evaluate(context)).toEqual(engine.evaluate(context));
  });

  test("are taken from any place in a buffer", () => {
    const image = Engine.loadSync(flags).toImage();
    const buffer = new Uint8Array(image.length + 3);
    buffer.set(image, 3);
    expect(Engine.loadSync(buffer.subarray(3)).flagKeys).toEqual(flags.map((flag) => flag.key));
  });
});

describe("update", () => {
  test("tells which flags were added, removed and changed", () => {
    const engine = Engine.loadSync(flags);
    const { warnings } = engine;
    expect(engine.update(structuredClone(flags))).toEqual({ changed: [], warnings });
    // A removed parent would change its children too.
    const parents = new Set(flags.flatMap((flag) => flag.dependencies ?? []));
    const [removed, edited] = flags.filter((flag) => !parents.has(flag.key));
    const next = structuredClone(flags).filter((flag) => flag.key !== removed.key);
    next.find((flag) => flag.key === edited.key)!.metadata = { flagVersion: 999 };
    next.push({ ...structuredClone(removed), key: "added" });
    const { changed } = engine.update(next);
    expect(changed.sort()).toEqual([removed.key, edited.key, "added"].sort());
    expect(engine.variant(context, removed.key)).toBeUndefined();
  });

  test("of something that is no config throws, and the old one stays", () => {
    const engine = Engine.loadSync(flags);
    const before = engine.evaluate(context);
    for (const bad of [null, 5, "flags", new Uint8Array(8)]) {
      expect(() => engine.update(bad as never)).toThrow(ConfigError);
    }
    expect(engine.evaluate(context)).toEqual(before);
  });

  test("leaves a view made before as it was", () => {
    const engine = Engine.loadSync(flags);
    const view = engine.evaluateAll(context);
    const before = engine.evaluate(context);
    engine.update([]);
    expect(view.toObject()).toEqual(before);
    expect(engine.evaluate(context)).toEqual({});
  });

  test("thousands of times leaves nothing behind", () => {
    const engine = Engine.loadSync(flags);
    for (let i = 0; i < 2000; i++) {
      engine.update([{ ...flags[0], metadata: { flagVersion: i } }]);
      if (i % 500 === 0) expect(engine.variant(context, flags[0].key)).toBeDefined();
    }
    expect(engine.memoryBytes).toBeLessThan(1 << 18);
  });
});

test("variants are shared and deeply frozen", () => {
  const engine = Engine.loadSync(flags);
  const all = engine.evaluate(context);
  for (const [key, variant] of Object.entries(all)) {
    expect(engine.variant(context, key)).toBe(variant);
    expect(engine.evaluateAll(context).get(key)).toBe(variant);
    const rest: unknown[] = [variant];
    for (let value = rest.pop(); value; value = rest.pop()) {
      if (typeof value !== "object") continue;
      expect(Object.isFrozen(value)).toBe(true);
      rest.push(...Object.values(value));
    }
  }
});

test("the caller's flags are neither kept nor frozen", () => {
  const mine = structuredClone(flags);
  const engine = Engine.loadSync(mine);
  const expected = Engine.loadSync(flags).evaluate(context);
  for (const flag of mine) {
    expect(Object.isFrozen(flag.variants)).toBe(false);
    for (const variant of Object.values(flag.variants)) variant.key = "changed";
  }
  expect(engine.evaluate(context)).toEqual(expected);
});

describe("explain", () => {
  const engine = Engine.loadSync(flags);

  test("agrees with evaluate, and its numbers with each other", () => {
    for (const user of users) {
      const seen = toContext(user);
      for (const key of engine.flagKeys) {
        const why = engine.explain(seen, key)!;
        expect(why.variant).toBe(engine.variant(seen, key));
        const chosen = why.segments.filter((segment) => segment.chosen);
        expect(chosen.map(({ index }) => index)).toEqual(
          why.segmentIndex < 0 ? [] : [why.segmentIndex],
        );
        for (const { bucket } of why.segments) {
          if (bucket?.hash === undefined) continue;
          expect(bucket.allocationSlot).toBe(bucket.hash % 100);
          expect(bucket.distributionSlot).toBe(Math.floor(bucket.hash / 100));
        }
      }
    }
  });

  test("names the condition that failed and the value it saw", () => {
    const flag: EvaluationFlag = {
      key: "f",
      variants: { on: { key: "on" }, off: { key: "off" } },
      segments: [
        {
          metadata: { segmentName: "Pro in Europe" },
          conditions: [
            [
              { selector: ["context", "user", "plan"], op: "is", values: ["pro"] },
              { selector: ["context", "user", "country"], op: "is", values: ["DE", "FR"] },
            ],
          ],
          variant: "on",
        },
        { variant: "off" },
      ],
    };
    const why = Engine.loadSync([flag]).explain({ user: { plan: "pro", country: "US" } }, "f")!;
    expect(why.segments[0]).toMatchObject({ name: "Pro in Europe", matched: false, chosen: false });
    expect(why.segments[0].conditions).toMatchObject([
      [
        { value: "pro", matched: true },
        { value: "US", matched: false },
      ],
    ]);
    expect(why.segmentIndex).toBe(1);
  });

  test("sees no result of the flag itself, as the flag did not", () => {
    for (const selector of [["result", "f", "key"], ["result"]]) {
      const conditions = [[{ selector, op: "does not contain", values: ["on"] }]];
      const segments = [{ conditions, variant: "on" }, { variant: "off" }];
      const variants = { on: { key: "on" }, off: { key: "off" } };
      const why = Engine.loadSync([{ key: "f", variants, segments }]).explain({}, "f")!;
      expect(why.segments[0]).toMatchObject({ matched: true, chosen: true, variantKey: "on" });
      expect(why.variant?.key).toBe("on");
    }
  });

  test("of an unknown flag is undefined", () => {
    expect(engine.explain({}, "no such flag")).toBeUndefined();
  });
});

describe("limits", () => {
  const flagOf = (key: string, depth: number): EvaluationFlag => {
    const selector = ["context", ...Array.from({ length: depth - 1 }, () => "a")];
    const conditions = [[{ selector, op: "is", values: ["(none)"] }]];
    return { key, variants: { on: { key: "on" } }, segments: [{ conditions, variant: "on" }] };
  };

  test("a selector of 64 elements evaluates, one of 65 disables its flag", () => {
    const engine = Engine.loadSync([flagOf("fits", 64), flagOf("deep", 65)]);
    expect(engine.flagKeys).toEqual(["fits"]);
    expect(engine.warnings).toMatchObject([{ code: "malformed-flag", flagKey: "deep" }]);
    expect(engine.variant({}, "fits")?.key).toBe("on");
  });

  test("65,535 flags load, one more is a ConfigError", () => {
    const many = Array.from({ length: 65_535 }, (_, index) => flagOf(`f${index}`, 2));
    expect(Engine.loadSync(many).variant({}, "f65534")?.key).toBe("on");
    const more = [...many, flagOf("one more", 2)];
    expect(() => Engine.loadSync(more)).toThrow(ConfigError);
  });
});
