// Seeded workloads: the flags and the users asked about.
import type { EvaluationContext, EvaluationFlag } from "halyard/engine";
import {
  type LogicalCondition,
  type LogicalFlag,
  type LogicalSegment,
  type LogicalUser,
  toContext,
  toFlag,
} from "./logical.ts";
import { Random } from "./random.ts";
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
  WEIGHTED_COUNTRIES,
} from "./vocabulary.ts";

/** Users as every engine could hold them, and as Amplitude's engine takes them. */
export interface Users {
  logical: LogicalUser[];
  contexts: EvaluationContext[];
}

/** Flags with the users they are asked about; `text` is what a flags API sends. */
export interface Workload {
  name: string;
  logical: LogicalFlag[];
  flags: EvaluationFlag[];
  text: string;
  users: Users;
}

export interface Fixture {
  one: Workload;
  twenty: Workload;
  many: Workload;
  hit: Workload;
  miss: Workload;
}

const SEED = 20251121;
const USER_COUNT = 1024;
const LISTED_IDS = 10_000;
const US = ["us", "usa", "united states"];

const cohorts = (() => {
  const random = new Random(SEED);
  return Array.from({ length: 40 }, () => random.text(8));
})();

function makeUser(random: Random): LogicalUser {
  return {
    user_id: random.uuid(),
    device_id: random.uuid(),
    country: random.weighted(WEIGHTED_COUNTRIES),
    city: random.pick(CITIES),
    language: random.pick(LANGUAGES),
    platform: random.pick(PLATFORMS),
    version: random.version(6),
    os: random.pick(SYSTEMS),
    device_model: random.pick(DEVICES),
    plan: random.weighted([
      ["free", 6],
      ["pro", 3],
      ["enterprise", 1],
    ]),
    age: random.int(18, 80),
    email: `${random.pick(FIRST_NAMES)}.${random.text(5)}@${random.pick(DOMAINS)}`,
    company: random.pick(COMPANIES),
    cohort_ids: random.sample(cohorts, random.int(0, 5)),
  };
}

function makeCondition(random: Random): LogicalCondition {
  const op = random.weighted(OPERATORS);
  const of = (property: keyof LogicalUser, values: string[]) => ({ op, property, values });
  if (op === "version greater") return of("version", [random.version(5)]);
  if (op === "less") return of("age", [String(random.int(20, 60))]);
  if (op === "set contains any") return of("cohort_ids", random.sample(cohorts, random.int(1, 3)));
  if (op === "contains") {
    if (random.next() < 0.6) return of("email", [random.pick(DOMAINS)]);
    return of("device_model", [random.pick(["iphone", "pixel", "galaxy"])]);
  }
  const [property, pool] = random.pick(op === "is" ? IS_POOLS : IS_NOT_POOLS);
  const count = Math.min(pool.length - 1, random.int(1, op === "is" ? 4 : 3));
  return of(property, random.sample(pool, count));
}

function makeSegment(random: Random, name: string, targeted: boolean): LogicalSegment {
  const percent = targeted
    ? random.weighted<number>([
        [100, 40],
        [50, 30],
        [25, 15],
        [10, 15],
      ])
    : random.weighted<number>([
        [0, 40],
        [10, 15],
        [50, 25],
        [100, 20],
      ]);
  const split = percent === 50 && random.next() < 0.5;
  const count = targeted ? (random.next() < 0.35 ? 2 : 1) : 0;
  const conditions = Array.from({ length: count }, () => makeCondition(random));
  return { name, conditions, percent, split };
}

function makeFlag(random: Random, index: number): LogicalFlag {
  const key = `flag-${String(index).padStart(4, "0")}-${random.pick(TOPICS)}`;
  const salt = random.text(8);
  const targeted = Array.from({ length: random.int(1, 2) }, (_, at) =>
    makeSegment(random, `Segment ${at + 1}`, true),
  );
  const segments = [...targeted, makeSegment(random, "All Other Users", false)];
  return { key, salt, version: random.int(1, 40), segments };
}

/** One condition, then nobody else. */
function makeTargetedFlag(
  topic: string,
  percent: number,
  condition: LogicalCondition,
): LogicalFlag {
  const rest = { name: "All Other Users", conditions: [], percent: 0, split: false };
  const first = { name: "Segment 1", conditions: [condition], percent, split: percent < 100 };
  return { key: `flag-0000-${topic}`, salt: "Qx81zPa0", version: 3, segments: [first, rest] };
}

export function makeFlags(seed: number, count: number): LogicalFlag[] {
  const random = new Random(SEED + seed);
  return Array.from({ length: count }, (_, index) => makeFlag(random, index));
}

/**
 * Parsed from text, as users arrive: their strings are flat and not shared.
 *
 * @param change - what makes a user fit to the workload
 */
export function makeUsers(
  seed: number,
  count: number,
  change: (random: Random) => Partial<LogicalUser> = () => ({}),
): Users {
  const random = new Random(SEED + seed);
  const made = Array.from({ length: count }, () => ({ ...makeUser(random), ...change(random) }));
  const logical: LogicalUser[] = JSON.parse(JSON.stringify(made));
  return { logical, contexts: JSON.parse(JSON.stringify(made.map(toContext))) };
}

export function makeWorkload(name: string, logical: LogicalFlag[], users: Users): Workload {
  const text = JSON.stringify(logical.map(toFlag));
  return { name, logical, flags: JSON.parse(text), text, users };
}

/**
 * The same flags with nothing left to chance: every percentage is 0 or 100. Engines hash in
 * different ways, but on this they must agree.
 */
export function deterministicTwin(workload: Workload): Workload {
  const random = new Random(SEED + 9);
  const logical = workload.logical.map((flag) => ({
    ...flag,
    segments: flag.segments.map((segment) => {
      const { percent } = segment;
      const certain = percent === 0 || percent === 100;
      return { ...segment, split: false, percent: certain ? percent : random.pick([0, 100]) };
    }),
  }));
  return makeWorkload(`${workload.name}, deterministic`, logical, workload.users);
}

export function makeFixture(): Fixture {
  const users = makeUsers(1, USER_COUNT);
  const idRandom = new Random(SEED + 4);
  const ids = Array.from({ length: LISTED_IDS }, () => idRandom.uuid());
  const fromUs: LogicalCondition = { op: "is", property: "country", values: US };
  const listed: LogicalCondition = { op: "is", property: "user_id", values: ids };
  const one = [makeTargetedFlag("checkout", 50, fromUs)];
  const list = [makeTargetedFlag("list", 100, listed)];
  // All of them reach the bucket.
  const americans = makeUsers(1, USER_COUNT, () => ({ country: "us" }));
  const members = makeUsers(5, USER_COUNT, (random) => ({ user_id: random.pick(ids) }));
  return {
    one: makeWorkload("1 flag", one, americans),
    twenty: makeWorkload("20 flags", makeFlags(2, 20), users),
    many: makeWorkload("500 flags", makeFlags(3, 500), users),
    hit: makeWorkload("a list of 10,000 ids, hit", list, members),
    miss: makeWorkload("a list of 10,000 ids, miss", list, users),
  };
}
