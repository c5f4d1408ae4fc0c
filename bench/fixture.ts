// Seeded workloads: flags in Amplitude's wire format and the users asked about.
import type {
  EvaluationBucket,
  EvaluationCondition,
  EvaluationContext,
  EvaluationFlag,
  EvaluationSegment,
} from "halyard/engine";
import {
  CITIES,
  COMPANIES,
  DEVICES,
  DOMAINS,
  FIRST_NAMES,
  IS_NOT_POOLS,
  IS_POOLS,
  LANGUAGES,
  OPERATORS,
  PLATFORMS,
  SYSTEMS,
  TOPICS,
  USER_PROPERTIES,
  WEIGHTED_COUNTRIES,
  type Weighted,
} from "./vocabulary.ts";

/** One set of flags, as text (what a flags API sends) and parsed. */
export interface Workload {
  text: string;
  flags: EvaluationFlag[];
}

export interface Fixture {
  one: Workload;
  twenty: Workload;
  many: Workload;
  contexts: EvaluationContext[];
}

const SEED = 20251121;
const USER_COUNT = 1024;
const DISTRIBUTION_SLOTS = 42949673;

/** mulberry32 and what is drawn with it. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.int(0, items.length - 1)];
  }

  weighted<Item>(items: Weighted<Item>): Item {
    let rest = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    return (items.find(([, weight]) => (rest -= weight) < 0) ?? items[items.length - 1])[0];
  }

  /** `count` different items in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffle(items).slice(0, count);
  }

  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    return shuffled;
  }

  text(length: number, base = 36): string {
    return Array.from({ length }, () => this.int(0, base - 1).toString(base)).join("");
  }

  uuid(): string {
    const [a, b, c, d, e] = [8, 4, 3, 3, 12].map((length) => this.text(length, 16));
    return `${a}-${b}-4${c}-a${d}-${e}`;
  }

  version(highestMajor: number): string {
    return `${this.int(1, highestMajor)}.${this.int(0, 20)}.${this.int(0, 9)}`;
  }
}

function makeContext(random: Random, cohorts: string[]): EvaluationContext {
  const user = {
    user_id: random.uuid(),
    device_id: random.uuid(),
    country: random.weighted(WEIGHTED_COUNTRIES),
    city: random.pick(CITIES),
    language: random.pick(LANGUAGES),
    platform: random.pick(PLATFORMS),
    version: random.version(6),
    os: random.pick(SYSTEMS),
    device_model: random.pick(DEVICES),
    user_properties: {
      plan: random.weighted([
        ["free", 6],
        ["pro", 3],
        ["enterprise", 1],
      ]),
      age: random.int(18, 80),
      email: `${random.pick(FIRST_NAMES)}.${random.text(5)}@${random.pick(DOMAINS)}`,
      company: random.pick(COMPANIES),
    },
    cohort_ids: random.sample(cohorts, random.int(0, 5)),
  };
  return { user };
}

function condition(property: string, op: string, values: string[]): EvaluationCondition {
  const path = USER_PROPERTIES.has(property) ? ["user_properties", property] : [property];
  return { op, selector: ["context", "user", ...path], values };
}

function makeCondition(random: Random, cohorts: string[]): EvaluationCondition {
  const op = random.weighted(OPERATORS);
  if (op === "version greater") return condition("version", op, [random.version(5)]);
  if (op === "less") return condition("age", op, [String(random.int(20, 60))]);
  if (op === "set contains any") {
    return condition("cohort_ids", op, random.sample(cohorts, random.int(1, 3)));
  }
  if (op === "contains") {
    if (random.next() < 0.6) return condition("email", op, [random.pick(DOMAINS)]);
    return condition("device_model", op, [random.pick(["iphone", "pixel", "galaxy"])]);
  }
  const [property, pool] = random.pick(op === "is" ? IS_POOLS : IS_NOT_POOLS);
  const count = Math.min(pool.length - 1, random.int(1, op === "is" ? 4 : 3));
  return condition(property, op, random.sample(pool, count));
}

/** Splits everyone into on and off, or rolls "on" out to the first `percent` of 100 slots. */
function makeBucket(salt: string, percent: number, split: boolean): EvaluationBucket {
  const middle = Math.round((DISTRIBUTION_SLOTS * percent) / 100);
  const allocation = split
    ? {
        range: [0, 100],
        distributions: [
          { range: [0, middle], variant: "on" },
          { range: [middle, DISTRIBUTION_SLOTS], variant: "off" },
        ],
      }
    : { range: [0, percent], distributions: [{ range: [0, DISTRIBUTION_SLOTS], variant: "on" }] };
  return { selector: ["context", "user", "user_id"], salt, allocations: [allocation] };
}

interface SegmentOptions {
  name: string;
  salt: string;
  percent: number;
  split?: boolean;
  conditions?: EvaluationCondition[];
}

function segment(options: SegmentOptions): EvaluationSegment {
  const { name, salt, percent, split = false, conditions } = options;
  const made: EvaluationSegment = { metadata: { segmentName: name } };
  if (conditions) made.conditions = [conditions];
  if (percent > 0 && percent < 100) made.bucket = makeBucket(salt, percent, split);
  made.variant = percent === 100 ? "on" : "off";
  return made;
}

function flag(key: string, version: number, segments: EvaluationSegment[]): EvaluationFlag {
  return {
    key,
    metadata: {
      deployed: true,
      evaluationMode: "local",
      flagType: "release",
      flagVersion: version,
    },
    segments,
    variants: {
      off: { key: "off", metadata: { default: true } },
      on: { key: "on", value: "on" },
    },
  };
}

function makeFlag(random: Random, cohorts: string[], index: number): EvaluationFlag {
  const key = `flag-${String(index).padStart(4, "0")}-${random.pick(TOPICS)}`;
  const salt = random.text(8);
  const targeted = Array.from({ length: random.int(1, 2) }, (_, position) => {
    const percent = random.weighted([
      [100, 40],
      [50, 30],
      [25, 15],
      [10, 15],
    ]);
    const split = percent === 50 && random.next() < 0.5;
    const count = random.next() < 0.35 ? 2 : 1;
    const conditions = Array.from({ length: count }, () => makeCondition(random, cohorts));
    return segment({ name: `Segment ${position + 1}`, salt, percent, split, conditions });
  });
  const percent = random.weighted([
    [0, 40],
    [10, 15],
    [50, 25],
    [100, 20],
  ]);
  const split = percent === 50 && random.next() < 0.5;
  const rest = segment({ name: "All Other Users", salt, percent, split });
  return flag(key, random.int(1, 40), [...targeted, rest]);
}

function oneFlag(): EvaluationFlag {
  const salt = "Qx81zPa0";
  const conditions = [condition("country", "is", ["us", "usa", "united states"])];
  return flag("flag-0000-checkout", 3, [
    segment({ name: "Segment 1", salt, percent: 50, split: true, conditions }),
    segment({ name: "All Other Users", salt, percent: 0 }),
  ]);
}

/** Parsed from text, as flags and users arrive: their strings are flat and not shared. */
function workload(flags: EvaluationFlag[]): Workload {
  const text = JSON.stringify(flags);
  return { text, flags: JSON.parse(text) };
}

export function makeFixture(): Fixture {
  const cohortRandom = new Random(SEED);
  const cohorts = Array.from({ length: 40 }, () => cohortRandom.text(8));
  const userRandom = new Random(SEED + 1);
  const contexts = Array.from({ length: USER_COUNT }, () => makeContext(userRandom, cohorts));
  const flagsOf = (seed: number, length: number) => {
    const random = new Random(seed);
    return Array.from({ length }, (_, index) => makeFlag(random, cohorts, index));
  };
  return {
    one: workload([oneFlag()]),
    twenty: workload(flagsOf(SEED + 2, 20)),
    many: workload(flagsOf(SEED + 3, 500)),
    contexts: JSON.parse(JSON.stringify(contexts)),
  };
}

/** One line: how many flags, segments and conditions (by operator), and bytes of JSON. */
export function describeWorkload({ text, flags }: Workload): string {
  const segments = flags.flatMap((entry) => entry.segments);
  const conditions = segments.flatMap((entry) => entry.conditions?.flat() ?? []);
  const byOperator = new Map<string, number>();
  for (const { op } of conditions) byOperator.set(op, (byOperator.get(op) ?? 0) + 1);
  const operators = [...byOperator].map(([op, count]) => `${op} ${count}`).join(", ");
  const buckets = segments.filter((entry) => entry.bucket).length;
  const bytes = new TextEncoder().encode(text).length.toLocaleString("en-US");
  return (
    `${flags.length} flags, ${segments.length} segments (${buckets} bucketed), ` +
    `${conditions.length} conditions (${operators}), ${bytes} bytes of JSON`
  );
}
