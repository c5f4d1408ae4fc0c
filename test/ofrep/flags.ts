// Flags of all types that OpenFeature has, and what their variants are there.
import {
  type EvaluationCondition,
  type EvaluationFlag,
  type EvaluationVariant,
  type ExperimentUser,
  toContext,
} from "halyard/engine";
import { evaluateWithOracle } from "../oracle.ts";

export const condition = (selector: string[], ...values: string[]): EvaluationCondition => ({
  selector: ["context", ...selector],
  op: "is",
  values,
});

export const isPro = condition(["user", "user_properties", "plan"], "pro");
const OFF = { key: "off", metadata: { default: true } };

type Variants = Record<string, EvaluationVariant>;

/** Pro users have the first variant, half of the others the second one, all others are off. */
function flag(key: string, variants: Variants, metadata?: Record<string, unknown>): EvaluationFlag {
  const [first, second = first] = Object.keys(variants);
  const distributions = [{ variant: second, range: [0, 42_949_673] }];
  return {
    key,
    variants: { ...variants, off: OFF },
    segments: [
      { conditions: [[isPro]], variant: first, metadata: { segmentName: "Pro" } },
      {
        bucket: {
          selector: ["context", "user", "user_id"],
          salt: "salt",
          allocations: [{ range: [0, 50], distributions }],
        },
        metadata: { segmentName: "Half" },
      },
      { variant: "off" },
    ],
    metadata,
  };
}

const always = (variants: Variants, variant: string): Omit<EvaluationFlag, "key"> => ({
  variants,
  segments: [{ variant }],
});

export const BOOLEAN = flag("boolean", { on: { key: "on", value: "on" } }, { flagVersion: 7 });
export const TEXT = flag(
  "text",
  { control: { key: "control", value: "control" }, treatment: { key: "treatment" } },
  { flagVersion: 2, deployed: true, list: [1], nothing: null, nested: { a: 1 } },
);
export const OBJECT = flag("object", {
  a: { key: "a", value: "a", payload: { color: "red", sizes: [1, 2] } },
  b: { key: "b", value: "b", payload: {} },
});
export const NUMBER = flag("number", {
  one: { key: "one", payload: 1 },
  half: { key: "half", value: "half", payload: 0.5 },
});
export const MIXED = flag("mixed", {
  bare: { key: "bare", value: "bare", payload: null },
  full: { key: "full", value: "full", payload: "text" },
});

export const FLAGS: readonly EvaluationFlag[] = [
  ...[BOOLEAN, TEXT, OBJECT, NUMBER, MIXED],
  flag("list", { a: { key: "a", payload: [1, 2] }, b: { key: "b", payload: { b: 1 } } }),
  { key: "static", ...always({ on: { key: "on" } }, "on") },
  { key: "switched-off", ...always({ on: { key: "on" }, off: OFF }, "off") },
  { key: "retired", ...always({ on: { key: "on" } }, "on"), metadata: { deployed: false } },
  { key: "a/b 😀", ...always({ on: { key: "on" } }, "on") },
  { key: "nobody", variants: { on: { key: "on" } }, segments: [{ conditions: [], variant: "on" }] },
  {
    key: "fallback",
    variants: { a: { key: "a" }, b: { key: "b" } },
    segments: [{ conditions: [[isPro]], variant: "a" }, { variant: "b" }],
  },
  {
    key: "device",
    variants: { true: { key: "true" }, false: { key: "false" } },
    segments: [
      { conditions: [[condition(["user", "device_id"], "d1")]], variant: "true" },
      { variant: "false" },
    ],
  },
  {
    key: "child",
    variants: { yes: { key: "yes" }, off: OFF },
    dependencies: ["static"],
    segments: [
      {
        conditions: [[{ selector: ["result", "static", "key"], op: "is", values: ["on"] }]],
        variant: "yes",
      },
      { variant: "off" },
    ],
  },
  {
    key: "org",
    variants: { acme: { key: "acme" }, rich: { key: "rich" }, off: OFF },
    segments: [
      {
        conditions: [[condition(["groups", "org", "group_properties", "tier"], "gold")]],
        variant: "rich",
      },
      { conditions: [[condition(["groups", "org", "group_name"], "acme")]], variant: "acme" },
      { variant: "off" },
    ],
  },
];

/** The variants of a user by the reference engine. */
export function oracle(flags: readonly EvaluationFlag[], user: ExperimentUser): Variants {
  return evaluateWithOracle([...flags], toContext(user)) as Variants;
}

/** What a variant is, said otherwise than the service does. */
export function expectedOf(
  { variants }: EvaluationFlag,
  { key, value, payload, metadata }: EvaluationVariant,
): unknown {
  const all = Object.values(variants);
  const hasPayload = (one: EvaluationVariant) => one.payload !== undefined && one.payload !== null;
  if (all.some(hasPayload)) return payload ?? undefined;
  const name = (one: EvaluationVariant) => `${one.value ?? one.key}`;
  if (all.every((one) => /^(on|off|true|false)$/.test(name(one)))) {
    return name({ key, value }) === "on" || name({ key, value }) === "true";
  }
  if (key === "off" && value === undefined && metadata?.default) return undefined;
  return name({ key, value });
}
