// Cohorts by the million: distinct ids of 36 bytes, the same in every run, and users of whom half
// are members of one cohort each.
import type { Engine, EvaluationContext } from "halyard/engine";
import { makeUsers, makeWorkload, type Workload } from "../fixture.ts";
import type { Client } from "../lanes.ts";
import type { LogicalFlag } from "../logical.ts";

/** How many cohorts have members, and how many each. */
export interface Crowd {
  cohorts: number;
  members: number;
}

/** Who is in which cohort. */
export interface Members {
  /** As the flags name them; the first ones have the members, the others none. */
  cohortIds: string[];
  crowd: Crowd;
}

/** A workload whose users have no `cohort_ids`: who evaluates looks them up. */
export interface Crowded extends Members {
  workload: Workload;
}

const ID_SIZE = 36;
const IDS_AT_ONCE = 1024;
const SEED = 11;
const DASH = 0x2d;
/** Where an id has its dashes. */
const DASHES = [8, 13, 18, 23];
/** Of its digits. */
const PLACES = [...Array(ID_SIZE).keys()].filter((at) => !DASHES.includes(at));
const SALTS = [0, 0x9e3779b9, 0x7f4a7c15, 0x85ebca6b];
const DIGITS = Buffer.from("0123456789abcdef");

/** MurmurHash3's last step; different words give different ones. */
function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** The id of a number below 2^32, as a UUID is written. */
function writeId(number: number, to: Buffer, at: number): void {
  let word = 0;
  for (let digit = 0; digit < PLACES.length; digit++) {
    if (digit % 8 === 0) word = mix(number ^ SALTS[digit >>> 3]);
    to[at + PLACES[digit]] = DIGITS[word >>> 28];
    word <<= 4;
  }
  for (const dash of DASHES) to[at + dash] = DASH;
}

function idOf(number: number): string {
  const bytes = Buffer.alloc(ID_SIZE);
  writeId(number, bytes, 0);
  return bytes.toString("latin1");
}

/** The members of one cohort, one after the other, as a download gives them. */
export function* membersOf(cohort: number, { cohorts, members }: Crowd): Generator<string> {
  const bytes = Buffer.alloc(IDS_AT_ONCE * ID_SIZE);
  const count = cohort < cohorts ? members : 0;
  for (let first = 0; first < count; first += IDS_AT_ONCE) {
    const ids = Math.min(IDS_AT_ONCE, count - first);
    for (let i = 0; i < ids; i++) writeId(cohort * members + first + i, bytes, i * ID_SIZE);
    for (let i = 0; i < ids; i++) {
      yield bytes.toString("latin1", i * ID_SIZE, (i + 1) * ID_SIZE);
    }
  }
}

/** The id of a user: of every second one a member's, far from the last user's. */
export function userIdOf(user: number, { cohorts, members }: Crowd): string {
  const all = cohorts * members;
  const place = (mix(user) >>> 0) % all;
  return idOf(user % 2 === 0 ? place : all + place);
}

/** Without what only a lookup can tell. */
function withoutCohorts({ user }: EvaluationContext): EvaluationContext {
  const { cohort_ids: _, ...rest } = user as Record<string, unknown>;
  return { user: rest };
}

function cohortIdsOf(flags: readonly LogicalFlag[]): string[] {
  const conditions = flags.flatMap(({ segments }) => segments.flatMap((s) => s.conditions));
  const ofCohorts = conditions.filter(({ property }) => property === "cohort_ids");
  return [...new Set(ofCohorts.flatMap(({ values }) => values))];
}

export function crowdedWorkload(flags: LogicalFlag[], users: number, crowd: Crowd): Crowded {
  let user = 0;
  const made = makeUsers(SEED, users, () => ({
    user_id: userIdOf(user++, crowd),
    cohort_ids: [],
  }));
  const contexts = made.contexts.map(withoutCohorts);
  const workload = makeWorkload(`${flags.length} flags`, flags, { ...made, contexts });
  return { workload, cohortIds: cohortIdsOf(flags), crowd };
}

/** A flag for each cohort: its members get "on". */
export function flagsOfCohorts({ cohorts }: Crowd): LogicalFlag[] {
  const rest = { name: "All Other Users", conditions: [], percent: 0, split: false };
  return Array.from({ length: cohorts }, (_, cohort) => ({
    key: `flag-000${cohort}-cohort`,
    salt: "Qx81zPa0",
    version: 3,
    segments: [
      {
        name: "Segment 1",
        conditions: [
          { op: "set contains any", property: "cohort_ids", values: [`cohort-${cohort}`] },
        ],
        percent: 100,
        split: false,
      },
      rest,
    ],
  }));
}

/** Gives an engine the members of all cohorts. */
export function fillEngine(engine: Engine, { cohortIds, crowd }: Members): void {
  for (const [cohort, cohortId] of cohortIds.entries()) {
    engine.setCohort(cohortId, "User", membersOf(cohort, crowd));
  }
}

export function fillClient(client: Client, { cohortIds, crowd }: Members): void {
  for (const [cohort, cohortId] of cohortIds.entries()) {
    client.putCohort(cohortId, new Set(membersOf(cohort, crowd)));
  }
}
