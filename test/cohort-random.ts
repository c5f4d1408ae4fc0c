// Random flags that ask for cohorts, random cohorts and users.
import type { EvaluationFlag, ExperimentUser } from "halyard/engine";
import type { StoredCohort } from "./cohort-client.ts";
import type { Random } from "./random.ts";
import { OPERATORS } from "./random-values.ts";

const USER = ["context", "user", "cohort_ids"];
const COHORT_IDS = ["c1", "c2", "c3", "c4", "true", "TRUE", "False", "é😀", "\ud800", "toString"];
/** Without booleans, which match each other in either case. */
const TEXT_IDS = COHORT_IDS.filter((id) => !/^(true|false)$/i.test(id));
const GROUP_TYPES = ["org", "team", "User"];
const FLAG_KEYS = ["a", "10", "2", "b", "c", "d", "e", "user", "f", "g"];
const USER_IDS = ["u1", "u2", "u3", "ü", "\udc00", "u".repeat(50), "shared"];
const GROUP_NAMES = ["g1", "g2", "shared", "é", "g"];
const CELLS = ["on", "off", "true"];

/** What the flags of a config are drawn from. */
interface World {
  random: Random;
  /** Of the flags that a flag may depend on. */
  keys: readonly string[];
  /**
   * Cohorts decide nothing but whether one of those named has the member. Only then the client's
   * answers do not depend on that it takes the ids that a type of groups called "User" is asked
   * for, and those at other selectors that end in cohort_ids, for ids of users' cohorts; nor on
   * that it fills in no empty list where no condition names any.
   */
  isPlain: boolean;
  /** Of the conditions on cohorts, how many are such that all cohorts of the member count. */
  share: number;
}

function groupSelector({ random, isPlain }: World): string[] {
  const types = isPlain ? GROUP_TYPES : GROUP_TYPES.slice(0, 2);
  return ["context", "groups", random.pick(types), "cohort_ids"];
}

function randomSelector(world: World): string[] {
  const { random, keys, isPlain } = world;
  const roll = random.int(20);
  if (roll < 9) return USER;
  if (roll < 16) return groupSelector(world);
  if (roll < 17 && keys.length > 0) return ["result", random.pick(keys), "key"];
  return random.pick([
    ["context", "user", "user_id"],
    ["context", "user", "user_properties", isPlain ? "cohort_ids" : "plan"],
    ["context", "groups", random.pick(GROUP_TYPES), "group_name"],
  ]);
}

function randomCondition(world: World) {
  const { random, isPlain, share } = world;
  const selector = randomSelector(world);
  const isCohort = selector.at(-1) === "cohort_ids";
  const ids = isPlain ? TEXT_IDS : COHORT_IDS;
  const pool = isCohort ? ids : [...USER_IDS, ...GROUP_NAMES, ...CELLS, "pro"];
  let op = random.pick(["set contains any", "set does not contain any"]);
  const values = random.times(random.int(4), () => random.pick(pool));
  if (isCohort && isPlain) return { selector, op, values };
  if (random.chance(isCohort ? share : 0.8)) op = random.pick(OPERATORS.slice(0, 18));
  if (random.chance(isCohort ? share / 2 : 0.15)) values.push("(none)");
  if (values.length === 0) values.push(random.pick(pool));
  return { selector, op, values };
}

function randomSegment(world: World) {
  const { random, isPlain, share } = world;
  const segment: Record<string, unknown> = { variant: random.pick(CELLS) };
  if (random.chance(0.9)) {
    segment.conditions = random.times(1 + random.int(2), () =>
      random.times(1 + random.int(2), () => randomCondition(world)),
    );
  }
  if (random.chance(0.25)) {
    const distributions = [{ variant: random.pick(CELLS), range: [0, 42949673] }];
    const byUser = ["context", "user", "user_id"];
    const isByUser = isPlain || random.chance(1 - share * 2);
    const selector = isByUser ? byUser : random.pick([USER, byUser, groupSelector(world)]);
    const allocations = [{ range: [0, random.int(101)], distributions }];
    segment.bucket = { selector, salt: `s${random.int(9)}`, allocations };
  }
  return segment;
}

export function randomFlags(random: Random): EvaluationFlag[] {
  const isPlain = random.chance(0.2);
  const share = random.pick([0, 0.05, 0.3]);
  const all = FLAG_KEYS.slice(0, 1 + random.int(FLAG_KEYS.length));
  const flags = all.map((key, index) => ({
    key,
    dependencies: all.slice(0, index).filter(() => random.chance(0.2)),
    variants: Object.fromEntries(
      CELLS.map((cell) => [cell, { key: cell, value: cell, payload: { key } }]),
    ),
    segments: random.times(1 + random.int(3), (at) => ({
      metadata: { segmentName: `s${at}` },
      ...randomSegment({ random, keys: all.slice(0, index), isPlain, share }),
    })),
  }));
  if (random.chance(0.5)) flags.reverse();
  return flags as unknown as EvaluationFlag[];
}

export function randomCohorts(random: Random): StoredCohort[] {
  const pool = [...USER_IDS, ...GROUP_NAMES, ""];
  const ids = COHORT_IDS.filter(() => random.chance(0.7));
  const cohorts = ids.map((cohortId) => ({
    cohortId,
    groupType: random.chance(0.6) ? "User" : random.pick(GROUP_TYPES),
    memberIds: pool.filter(() => random.chance(0.4)),
  }));
  // With no cohort at all the client gives every user an empty list (its bug B1); Halyard gives
  // none, as it would without cohorts. So one that no flag names is always there.
  return [...cohorts, { cohortId: "unnamed", groupType: "User", memberIds: ["u1"] }];
}

export function randomUser(random: Random): ExperimentUser {
  const user: Record<string, unknown> = {};
  if (random.chance(0.85)) user.user_id = random.pick(USER_IDS);
  else if (random.chance(0.5)) user.user_id = random.pick<unknown>(["", null, 5, true, ["u1"]]);
  if (random.chance(0.5)) {
    const ids = random.times(random.int(3), () => random.pick(COHORT_IDS));
    user.user_properties = { plan: "pro", cohort_ids: ids };
  }
  if (random.chance(0.7)) {
    const types = GROUP_TYPES.filter(() => random.chance(0.6));
    user.groups = Object.fromEntries(
      types.map((type) => {
        const names: unknown[] = random.times(random.int(3), () => random.pick(GROUP_NAMES));
        if (random.chance(0.1)) return [type, random.pick<unknown>([[""], "g1", [5], [["g1"]]])];
        return [type, names];
      }),
    );
  }
  return user as ExperimentUser;
}

/** Ids of the caller's own, some of them of no cohort. */
export function withOwnIds(random: Random, user: ExperimentUser): ExperimentUser {
  const ids = () => random.times(random.int(3), () => random.pick([...COHORT_IDS, "other"]));
  const own: ExperimentUser = { ...user };
  if (random.chance(0.6)) own.cohort_ids = ids();
  if (random.chance(0.6)) {
    own.group_cohort_ids = Object.fromEntries(
      GROUP_TYPES.map((type) => [type, Object.fromEntries(GROUP_NAMES.map((n) => [n, ids()]))]),
    );
  }
  return own;
}
