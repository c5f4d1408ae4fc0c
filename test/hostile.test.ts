// Inputs that are broken, huge or odd: each gives a clear error or the oracle's answer.
import type { EvaluationFlag } from "@amplitude/experiment-core";
import { ConfigError, Engine, type EvaluationContext } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { sameInOrder } from "./difference.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { seededRandom } from "./random.ts";

type Config = Parameters<typeof Engine.loadSync>[0];
type Condition = { selector: string[]; op: string; values: string[] };

const load = (config: unknown): Engine => Engine.loadSync(config as Config);
const PLAN = ["context", "user", "user_properties", "plan"];
const user = (plan: unknown): EvaluationContext => ({
  user: { user_id: "u1", user_properties: { plan } },
});

function flagOf(key: string, conditions: Condition[][], more: object = {}): EvaluationFlag {
  const variants = { on: { key: "on", value: "on" }, off: { key: "off" } };
  const segments = [{ conditions, variant: "on" }, { variant: "off" }];
  return { key, variants, segments, ...more } as unknown as EvaluationFlag;
}

function expectSame(flags: EvaluationFlag[], contexts: EvaluationContext[]): void {
  const engine = load(flags);
  for (const context of contexts) {
    const expected = evaluateWithOracle(flags, context);
    const actual = engine.evaluate(context);
    if (!sameInOrder(expected, actual)) expect(actual).toStrictEqual(expected);
  }
}

/** A ConfigError is the only way an unusable config may fail. */
function loadOrConfigError(config: unknown): Engine | undefined {
  try {
    return load(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toBe("");
    expect(typeof error.code).toBe("string");
    return undefined;
  }
}

const imageFlags = [
  flagOf("first", [[{ selector: PLAN, op: "is", values: ["a", "b"] }]]),
  flagOf("second", [[{ selector: ["result", "first", "key"], op: "is", values: ["on"] }]], {
    dependencies: ["first"],
  }),
  {
    ...flagOf("third", [[{ selector: PLAN, op: "regex match", values: ["^c"] }]]),
    segments: [
      {
        bucket: {
          selector: ["context", "user", "user_id"],
          salt: "salt",
          allocations: [
            { range: [0, 50], distributions: [{ variant: "on", range: [0, 42949673] }] },
          ],
        },
        variant: "off",
      },
    ],
  },
] as unknown as EvaluationFlag[];
const imageContexts = [user("a"), user("c"), user(null), {}];
const imageAnswers = imageContexts.map((context) => evaluateWithOracle(imageFlags, context));

/** Returns whether the image was refused. */
function checkImage(image: Uint8Array): boolean {
  const engine = loadOrConfigError(image);
  if (engine === undefined) return true;
  const answers = imageContexts.map((context) => engine.evaluate(context));
  if (!sameInOrder(answers, imageAnswers)) expect(answers).toStrictEqual(imageAnswers);
  return false;
}

describe("images", () => {
  const image = load(imageFlags).toImage();

  test("an untouched image gives the same answers", () => {
    expect(checkImage(image)).toBe(false);
  });

  test("truncated images are refused", () => {
    for (let size = 0; size < image.length; size += size < 200 ? 1 : 64) {
      expect(checkImage(image.slice(0, size)), `${size} bytes`).toBe(true);
    }
  });

  test("an image with bytes behind it is refused or the same", () => {
    const longer = new Uint8Array(image.length + 7);
    longer.set(image);
    checkImage(longer);
  });

  test("an image at an odd place in its buffer is the same", () => {
    const buffer = new Uint8Array(image.length + 3);
    buffer.set(image, 3);
    expect(checkImage(buffer.subarray(3))).toBe(false);
  });

  test("single bit flips are refused or the same", { timeout: 120_000 }, () => {
    const random = seededRandom(7);
    for (let round = 0; round < 3_000; round++) {
      const copy = image.slice();
      copy[random.int(copy.length)] ^= 1 << random.int(8);
      checkImage(copy);
    }
  });

  test("wrong magic, wrong version and random bytes are refused", () => {
    for (const offset of [0, 1, 2, 3, 4]) {
      const copy = image.slice();
      copy[offset] ^= 0x40;
      expect(checkImage(copy), `offset ${offset}`).toBe(true);
    }
    const random = seededRandom(8);
    for (let round = 0; round < 200; round++) {
      const bytes = Uint8Array.from({ length: random.int(2_000) }, () => random.int(256));
      expect(checkImage(bytes)).toBe(true);
      // With a true header in front the damage lies further in.
      bytes.set(image.subarray(0, Math.min(bytes.length, 16)));
      expect(checkImage(bytes)).toBe(true);
    }
  });
});

describe("large configs", () => {
  test("10,000 segments", () => {
    const segments = Array.from({ length: 10_000 }, (_, index) => ({
      conditions: [[{ selector: PLAN, op: "is", values: [`p${index}`] }]],
      variant: "on",
      metadata: { index },
    }));
    const flag = { ...flagOf("many", []), segments } as unknown as EvaluationFlag;
    expectSame([flag], [user("p0"), user("p9999"), user("p10000"), user(null)]);
  });

  test("200,000 values", () => {
    const values = Array.from({ length: 200_000 }, (_, index) => `v${index}`);
    const flags = ["is", "is not", "contains", "set contains any", "less", "version less"].map(
      (op) => flagOf(op, [[{ selector: PLAN, op, values }]]),
    );
    expectSame(flags, [user("v199999"), user("nothing"), user(["v5", "v6"]), user("")]);
  });

  test("a chain of 5,000 dependencies", () => {
    const flags = Array.from({ length: 5_000 }, (_, index) => {
      const selector = ["result", `f${index - 1}`, "key"];
      if (index === 0) return flagOf("f0", [[{ selector: PLAN, op: "is", values: ["a"] }]]);
      const dependencies = [`f${index - 1}`];
      return flagOf(`f${index}`, [[{ selector, op: "is", values: ["on"] }]], { dependencies });
    });
    // Last first: the parents have to be found from the far end of the chain.
    const reversed = [...flags].reverse();
    const engines = [loadOrConfigError(flags), loadOrConfigError(reversed)];
    for (const engine of engines) {
      if (engine === undefined) continue;
      expect(engine.variant(user("a"), "f4999")?.key).toBe("on");
      expect(engine.variant(user("b"), "f4999")?.key).toBe("off");
      expect(Object.keys(engine.evaluate(user("a")))).toHaveLength(5_000);
    }
  });

  test("megabyte strings in values, properties and salts", () => {
    const long = "xé".repeat(500_000);
    const bucket = {
      selector: PLAN,
      salt: long,
      allocations: [{ range: [0, 60], distributions: [{ variant: "on", range: [0, 42949673] }] }],
    };
    const salted = { ...flagOf("salt", []), segments: [{ bucket, variant: "off" }] };
    const flags = [
      flagOf("is", [[{ selector: PLAN, op: "is", values: [long] }]]),
      flagOf("contains", [[{ selector: PLAN, op: "contains", values: ["é!", long] }]]),
      flagOf("set", [[{ selector: PLAN, op: "set contains", values: [long] }]]),
      salted as unknown as EvaluationFlag,
    ];
    expectSame(flags, [user(long), user(`${long}!`), user([long, "a"]), user("a"), user("b")]);
  });

  test("65,535 pairs of segment and variant; one more disables the flag", () => {
    const variants = Object.fromEntries(
      Array.from({ length: 65_535 }, (_, index) => [`v${index}`, { key: `v${index}` }]),
    );
    const distributions = Object.keys(variants).map((variant, index) => {
      const end = index === 65_534 ? 42_949_673 : index + 1;
      return { variant, range: [index, end] };
    });
    const bucket = {
      selector: ["context", "user", "user_id"],
      salt: "s",
      allocations: [{ range: [0, 100], distributions }],
    };
    const flag = { key: "wide", variants, segments: [{ bucket }] } as unknown as EvaluationFlag;
    expectSame([flag], [user("a")]);
    const wider = { ...flag, segments: [{ bucket, variant: "v0" }, { variant: "v0" }] };
    const engine = load([wider]);
    expect(engine.warnings).toMatchObject([{ code: "malformed-flag", flagKey: "wide" }]);
  });

  test("a payload 20,000 levels deep disables its flag", () => {
    const payload = JSON.parse(`${'{"x":'.repeat(20_000)}1${"}".repeat(20_000)}`);
    const flag = { ...flagOf("deep", []), variants: { on: { key: "on" }, off: { payload } } };
    const engine = load([flag, flagOf("shallow", [])]);
    expect(engine.warnings).toMatchObject([{ code: "malformed-flag", flagKey: "deep" }]);
    expect(engine.variant(user("a"), "deep")).toBeUndefined();
    expect(engine.variant(user("a"), "shallow")).toBeDefined();
  });
});

describe("odd configs", () => {
  test("a cyclic payload disables its flag", () => {
    const payload: { self?: unknown } = {};
    payload.self = payload;
    const flag = { ...flagOf("cyclic", []), variants: { off: { key: "off", payload } } };
    const engine = load([flag]);
    expect(engine.warnings).toMatchObject([{ code: "malformed-flag", flagKey: "cyclic" }]);
    expect(engine.flagKeys).toEqual([]);
  });

  test("a cycle of dependencies is a ConfigError or only a warning", () => {
    const engine = loadOrConfigError([
      flagOf("a", [], { dependencies: ["b"] }),
      flagOf("b", [], { dependencies: ["a"] }),
      flagOf("self", [], { dependencies: ["self"] }),
    ]);
    if (engine !== undefined) expect(engine.warnings.length).toBeGreaterThan(0);
  });

  test("values of the wrong kind give a ConfigError or a usable engine", () => {
    const wrong = [null, undefined, 5, Number.NaN, "", "{", true, [], {}, [null], [[]], () => 1];
    const places = ["key", "variants", "segments", "dependencies", "metadata"];
    const inner = ["conditions", "bucket", "variant", "metadata"];
    const deep = ["selector", "op", "values"];
    const condition = { selector: PLAN, op: "is", values: ["a"] };
    const configs: unknown[] = [...wrong, ...wrong.map((value) => [value])];
    for (const value of wrong) {
      for (const place of places) configs.push([{ ...flagOf("f", []), [place]: value }]);
      for (const place of inner) {
        configs.push([{ ...flagOf("f", []), segments: [{ variant: "on", [place]: value }] }]);
      }
      for (const place of deep) {
        configs.push([flagOf("f", [[{ ...condition, [place]: value } as Condition]])]);
      }
      configs.push([{ ...flagOf("f", []), variants: { on: value, off: value } }]);
      configs.push([flagOf("f", [[value as Condition]])], [flagOf("f", [value as never])]);
      const range = { range: value, distributions: [{ variant: "on", range: value }] };
      for (const allocations of [value, [value], [range]]) {
        const bucket = { selector: PLAN, salt: value, allocations };
        configs.push([{ ...flagOf("f", []), segments: [{ bucket, variant: "on" }] }]);
      }
    }
    for (const config of configs) {
      const engine = loadOrConfigError(config);
      // Whatever loads must answer without throwing.
      engine?.evaluate(user("a"));
      engine?.evaluate(user(null));
    }
  });

  test("a refused update leaves the engine as it was", () => {
    const engine = load(imageFlags);
    expect(() => engine.update(null as unknown as never)).toThrow(ConfigError);
    expect(sameInOrder(engine.evaluate(user("a")), imageAnswers[0])).toBe(true);
  });

  test("a wrong pattern is no crash", () => {
    const values = ["(", "a"];
    const engine = loadOrConfigError([
      flagOf("f", [[{ selector: PLAN, op: "regex match", values }]]),
    ]);
    engine?.evaluate(user("a"));
  });

  test("flag and variant keys named as Object.prototype members", () => {
    const names = ["constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"];
    const flags = names.map((name) => {
      const variants = { [name]: { key: name }, on: { key: "on" } };
      const segments = [{ conditions: [], variant: "on" }, { variant: name }];
      return { key: name, variants, segments } as unknown as EvaluationFlag;
    });
    expectSame(flags, [user("a"), {}]);
    const engine = load(flags);
    for (const name of names) expect(engine.variant({}, name)?.key).toBe(name);
    expect(engine.variant({}, "__proto__")).toBeUndefined();
    expect(engine.evaluateAll({}).get("propertyIsEnumerable")).toBeUndefined();
  });

  test("a flag named __proto__ never changes a prototype", () => {
    const flags = JSON.parse(
      '[{"key":"__proto__","variants":{"__proto__":{"key":"on","polluted":1}},' +
        '"segments":[{"variant":"__proto__"}]}]',
    );
    const engine = loadOrConfigError(flags);
    const answers = engine?.evaluate({}) ?? {};
    expect(Object.getPrototypeOf(answers)).toBe(Object.prototype);
    expect((answers as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("missing properties named as Object.prototype members", () => {
    const names = ["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty"];
    const flags = names.map((name) =>
      flagOf(`flag-${name}`, [[{ selector: ["context", "user", name], op: "is", values: ["a"] }]]),
    );
    expectSame(flags, [user("a"), {}, { user: { constructor: "a", valueOf: "a" } }]);
  });
});
