import type { EvaluationFlag } from "@amplitude/experiment-core";
import type { EvaluationContext } from "halyard/engine";
import {
  LISTS,
  LONG_TEXTS,
  NUMBERS,
  ODD_VALUES,
  OPERATORS,
  PATTERNS,
  TEXTS,
  VERSIONS,
} from "./random-values.ts";

type Json = Record<string, unknown>;

export type Random = {
  next(): number;
  int(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  times<T>(count: number, make: (index: number) => T): T[];
};

/** mulberry32: 32 bits of state, so a failure is named by one number. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(items.length)],
    times: (count, make) => Array.from({ length: count }, (_, index) => make(index)),
  };
}

const FLAG_KEYS = [
  ...["flag-a", "flag-b", "flag-c", "0", "10", "2", "-1", "01", "flag é", "😀"],
  ...["x.y", "flag-d", "flag-e", "4294967295", "4294967294"],
];
const VARIANT_KEYS = ["on", "off", "control", "treatment", "1", "true", "é"];
const PROPERTIES = ["plan", "age", "version", "tags", "odd", "flagged", "nested"] as const;
const GROUPS = ["org", "team", "0"];
const USER_FIELDS = ["user_id", "device_id", "country", "version", "cohort_ids"];

/** The pool a property's values and the values it is compared with are both drawn from. */
const POOLS: Readonly<Record<string, readonly string[]>> = {
  ...{ plan: TEXTS, country: TEXTS, group_name: TEXTS, nested: TEXTS, odd: TEXTS },
  ...{ age: NUMBERS, version: VERSIONS, tags: LISTS, cohort_ids: TEXTS.slice(0, 6) },
  ...{ flagged: ["true", "TRUE", "False", "false", "(none)", "0"], key: VARIANT_KEYS },
  ...{ user_id: ["u1", "u2", ...TEXTS], device_id: ["d1", ...NUMBERS], value: VARIANT_KEYS },
};

function poolFor(random: Random, selector: readonly string[]): readonly string[] {
  const name = selector.at(-1) ?? "";
  const named = Object.hasOwn(POOLS, name) ? POOLS[name] : TEXTS;
  if (random.chance(0.15)) {
    return random.pick([TEXTS, NUMBERS, VERSIONS, LISTS]);
  }
  // A small window makes equal draws on both sides likely.
  return random.chance(0.5) ? named.slice(0, 5) : named;
}

function resultSelector(random: Random, keys: readonly string[]): string[] {
  const base = ["result", random.chance(0.93) ? random.pick(keys) : "missing-flag"];
  const tails = [
    ...[[], ["key"], ["key"], ["key"], ["value"], ["payload"], ["payload", "x"], ["metadata"]],
    ...[
      ["metadata", "x"],
      ["metadata", "segmentName"],
      ["payload", "x", "y"],
      ["payload", "0"],
    ],
    ...[["key", "0"], ["nothing"], ["payload", "length"], ["value", "length"], [""]],
  ];
  return [...base, ...random.pick(tails)];
}

function randomSelector(random: Random, keys: readonly string[]): string[] {
  const user = ["context", "user"];
  const roll = random.int(100);
  if (roll < 22) return [...user, random.pick(USER_FIELDS)];
  if (roll < 60) return [...user, "user_properties", random.pick(PROPERTIES)];
  if (roll < 67) {
    const path = [["group_name"], ["group_properties", random.pick(PROPERTIES)], ["cohort_ids"]];
    return ["context", "groups", random.pick(GROUPS), ...random.pick(path)];
  }
  if (roll < 88) return resultSelector(random, keys);
  return random.pick([
    ...[[], [""], ["context"], ["result"], ["nothing", "here"], ["context", "", "user"]],
    ...[user, [...user, "user_properties"], [...user, "missing"], [...user, "user_id", "0", "x"]],
    ...[
      [...user, "user_properties", "tags", "0"],
      [...user, "user_properties", "tags", "length"],
    ],
    ...[
      [...user, "user_properties", "odd", "a"],
      [...user, "user_properties", "odd", "a", "b"],
    ],
    ...[
      [...user, "user_properties", "nested", "a", "b", "c"],
      [...user, "user_properties", ""],
    ],
    ...[
      [...user, "user_properties", "odd", "1"],
      ["context", "groups", "org"],
      ["context", "0"],
    ],
  ]);
}

function randomCondition(random: Random, keys: readonly string[]): Json {
  const selector = randomSelector(random, keys);
  let op = random.chance(0.02) ? random.pick(["glob match", "", "IS"]) : random.pick(OPERATORS);
  if (selector.at(-1) === "version" && random.chance(0.4)) op = random.pick(OPERATORS.slice(8, 12));
  if (selector.at(-1) === "age" && random.chance(0.4)) op = random.pick(OPERATORS.slice(4, 8));
  const pool = op.startsWith("regex") ? PATTERNS : poolFor(random, selector);
  const count = random.chance(0.06) ? 0 : random.chance(0.03) ? 40 : 1 + random.int(4);
  const values = random.times(count, () => random.pick(pool));
  if (!op.startsWith("regex") && random.chance(0.08)) values.push("(none)");
  if (!op.startsWith("regex") && random.chance(0.08)) values.push(random.pick(["true", "FALSE"]));
  if (op.startsWith("set") && random.chance(0.4)) {
    return { selector, op, values: ["a", "b", "1", "true", ""].slice(0, random.int(4)) };
  }
  return { selector, op, values };
}

function randomRange(random: Random, limit: number): [number, number] {
  const roll = random.int(10);
  if (roll < 5) return [0, limit];
  if (roll < 6) return [5, 5];
  if (roll < 7) return [limit, 0];
  const start = random.next() * limit * 1.1 - limit * 0.05;
  const end = start + random.next() * limit;
  return roll < 9 ? [Math.floor(start), Math.ceil(end)] : [start, end];
}

function randomBucket(random: Random, keys: readonly string[], variants: string[]): Json {
  const selectors = [
    ...[
      ["context", "user", "user_id"],
      ["context", "user", "device_id"],
    ],
    ...[["context", "user", "user_properties", random.pick(PROPERTIES)]],
    ...[["context", "groups", "org", "group_name"], randomSelector(random, keys)],
  ];
  const allocations = random.times(random.int(4), () => ({
    range: randomRange(random, 100),
    distributions: random.times(random.int(4), () => ({
      variant: random.chance(0.05) ? "no-such-variant" : random.pick(variants),
      range: randomRange(random, 42949673),
    })),
  }));
  const salt = random.pick(["", "s", "salt", "sal", "sält", "😀", "\ud800", "x".repeat(70)]);
  return { selector: random.pick(selectors), salt, allocations };
}

function randomMetadata(random: Random): Json | undefined {
  if (random.chance(0.35)) return undefined;
  const all: [string, unknown][] = [
    ["segmentName", random.pick(["All", "é\ud83d", ""])],
    ["x", random.pick<unknown>([1, "a", null, true, ["a", "b"], { y: "a" }])],
    ["default", random.chance(0.5)],
    ["7", 7],
  ];
  return Object.fromEntries(all.filter(() => random.chance(0.5)));
}

function randomConditions(random: Random, keys: readonly string[]): Json[][] | undefined {
  const roll = random.int(20);
  if (roll < 4) return undefined;
  if (roll < 5) return [];
  if (roll < 6) return [[]];
  return random.times(random.chance(0.02) ? 40 : 1 + random.int(3), () =>
    random.times(random.chance(0.03) ? 0 : 1 + random.int(3), () => randomCondition(random, keys)),
  );
}

function randomSegment(random: Random, keys: readonly string[], variants: string[]): Json {
  const segment: Json = {};
  const metadata = randomMetadata(random);
  const conditions = randomConditions(random, keys);
  if (metadata !== undefined) segment.metadata = metadata;
  if (conditions !== undefined) segment.conditions = conditions;
  if (random.chance(0.4)) segment.bucket = randomBucket(random, keys, variants);
  if (random.chance(0.85)) {
    segment.variant = random.chance(0.04) ? "no-such-variant" : random.pick(variants);
  }
  return segment;
}

function randomVariant(random: Random, key: string): Json {
  const variant: Json = { key };
  if (random.chance(0.05)) variant.key = "other";
  const payloads: unknown[] = [
    ...[{ x: "a" }, { x: { y: [1, 2] }, "0": "zero" }, ["a", "b"], "text", 5, true, null, 0],
    ...["", [], { x: "\ud800é😀", b: 1e21 }, { x: 1e-7 }, { b: 1, a: 2, "3": 3 }, "[1,2]"],
  ];
  if (random.chance(0.7)) variant.value = random.pick<unknown>([key, key, key, "", "a", "1.2.3"]);
  if (random.chance(0.5)) variant.payload = random.pick(payloads);
  const metadata = randomMetadata(random);
  if (metadata !== undefined) variant.metadata = metadata;
  return variant;
}

/** Flags may only depend on flags before them in a hidden order: the oracle throws on cycles. */
export function randomFlags(random: Random): EvaluationFlag[] {
  // Some configs are large, so that all at once there is something to hash in groups.
  const count = random.chance(0.1) ? 20 + random.int(60) : 1 + random.int(12);
  const pool = [...FLAG_KEYS];
  while (pool.length < count) pool.push(`flag ${pool.length}`);
  const keys = random.times(count, () => pool.splice(random.int(pool.length), 1)[0]);
  const flags = keys.map((key, index): Json => {
    const names = VARIANT_KEYS.filter(() => random.chance(0.5));
    if (names.length === 0) names.push("on");
    const flag: Json = {
      key,
      variants: Object.fromEntries(names.map((name) => [name, randomVariant(random, name)])),
      segments: random.times(random.int(5), () => randomSegment(random, keys, names)),
    };
    const metadata = randomMetadata(random);
    if (metadata !== undefined) flag.metadata = metadata;
    if (random.chance(0.4)) {
      // The oracle sorts in a plain object: a parent named as an inherited member breaks it.
      const usable = keys.slice(0, index).filter((name) => !(name in Object.prototype));
      const parents = usable.filter(() => random.chance(0.4));
      if (random.chance(0.1)) parents.push("missing-flag");
      flag.dependencies = parents;
    }
    return flag;
  });
  // Children often stand before their parents, so that order has to come from the dependencies.
  for (let i = flags.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [flags[i], flags[j]] = [flags[j], flags[i]];
  }
  return flags as unknown as EvaluationFlag[];
}

function randomValue(random: Random, name: string): unknown {
  const roll = random.int(100);
  if (roll < 62) return random.pick(poolFor(random, [name]));
  if (roll < 68 && name === "age") return random.int(12);
  if (roll < 99) return random.pick(ODD_VALUES);
  return random.pick(LONG_TEXTS);
}

function randomProperties(random: Random): Json {
  const properties: Json = {};
  for (const name of PROPERTIES) {
    if (random.chance(0.2)) continue;
    properties[name] = randomValue(random, name);
  }
  if (random.chance(0.3)) properties.nested = { a: { b: { c: randomValue(random, "nested") } } };
  return properties;
}

export function randomContext(random: Random): EvaluationContext {
  if (random.chance(0.01)) {
    return random.pick<unknown>([
      {},
      null,
      undefined,
      "text",
      5,
      [],
      { user: null },
      { user: [] },
    ]) as EvaluationContext;
  }
  const user: Json = {};
  if (random.chance(0.9)) user.user_id = `user-${random.int(1_000_000)}`;
  for (const name of USER_FIELDS) {
    if (random.chance(0.25)) user[name] = randomValue(random, name);
  }
  if (random.chance(0.95)) user.user_properties = randomProperties(random);
  const context: Json = { user };
  if (random.chance(0.5)) {
    const groups: Json = {};
    for (const type of GROUPS) {
      if (random.chance(0.3)) continue;
      groups[type] = {
        group_name: randomValue(random, "group_name"),
        group_properties: randomProperties(random),
        cohort_ids: random.times(random.int(3), () => random.pick(TEXTS.slice(0, 6))),
      };
    }
    context.groups = random.chance(0.05) ? random.pick(ODD_VALUES) : groups;
  }
  return context;
}
