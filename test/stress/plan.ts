// What the owner of a stress run publishes, by number, and what each answer to it must be: known
// to owner and readers from the seed alone. Publication 0 is the config that the engine is loaded
// with; of the others each fourth is a config, the rest replace the cohorts in turn.
import type { EvaluationFlag } from "halyard/engine";
import { murmur3 } from "../../src/engine/murmur3.ts";

export const PERSON_COUNT = 64;
/** Of these half are of users, half of groups. */
export const COHORT_COUNT = 16;
const USER_COHORT_COUNT = COHORT_COUNT / 2;
const CONFIG_EVERY = 4;
const FLAG_COUNT_MAX = 200;
const MEMBER_COUNT_MAX = 50_000;
const RANGE_END = 42949673;
export const USER_COHORTS = ["context", "user", "cohort_ids"];
export const GROUP_COHORTS = ["context", "groups", "org", "cohort_ids"];
const USER_ID = ["context", "user", "user_id"];

/** Whom a reader asks for. */
export interface Person {
  /** Of the user, 0..PERSON_COUNT - 1. */
  user: number;
  /** Of the group. */
  group: number;
  /** Cohorts that the caller says the user is in: the engine must believe it. */
  given?: readonly string[];
}

/** What a flag's answer must be; undefined = no result. */
export interface Expectation {
  key: string;
  version: number;
}

type Condition = { selector: string[]; op: string; values: string[] };
type Flags = EvaluationFlag[];

/** How a flag decides between its variants "a" and "b". */
type Rule =
  | { kind: "regex"; end: number }
  | { kind: "number"; end: number }
  | { kind: "is"; users: readonly number[] }
  | { kind: "bucket"; salt: string; end: number }
  | { kind: "parent"; parent: number }
  | { kind: "any" | "none" | "both" | "equal"; cohorts: readonly number[] };

interface Config {
  version: number;
  rules: readonly Rule[];
  /** Cohorts that its conditions name: as in the Amplitude SDKs, only set operators do. */
  named: ReadonlySet<number>;
}

export const flagKey = (flag: number): string => `flag-${flag}`;
export const cohortId = (cohort: number): string => `c${cohort}`;
export const userId = (user: number): string => `user-${user}`;
const groupName = (group: number): string => `org-${group}`;
const isOfUsers = (cohort: number): boolean => cohort < USER_COHORT_COUNT;

export function contextOf({ user, group, given }: Person) {
  const fields: Record<string, unknown> = { user_id: userId(user), user_properties: { n: user } };
  if (given) fields.cohort_ids = given;
  return { user: fields, groups: { org: { group_name: groupName(group) } } };
}

export function personsAsColumns(persons: readonly Person[]) {
  return {
    "user.user_id": persons.map(({ user }) => userId(user)),
    "user.user_properties.n": persons.map(({ user }) => user),
    "groups.org.group_name": persons.map(({ group }) => groupName(group)),
  };
}

export class StressPlan {
  readonly #seed: number;
  readonly #configs = new Map<number, Config>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** 32 bits that depend on all arguments, and nothing else. */
  hash(a: number, b = 0, c = 0): number {
    let state = this.#seed | 0;
    for (const word of [a, b, c]) {
      state = Math.imul(state ^ word ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5;
      state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    }
    return (state ^ (state >>> 16)) >>> 0;
  }

  isConfig(publication: number): boolean {
    return publication % CONFIG_EVERY === 0;
  }

  /** The config that is live after a publication. */
  versionAt(publication: number): number {
    return publication - (publication % CONFIG_EVERY);
  }

  /** The cohort that a publication replaces. */
  cohortOf(publication: number): number {
    return (this.#cohortPublications(publication) - 1) % COHORT_COUNT;
  }

  #cohortPublications(publication: number): number {
    return publication - Math.floor(publication / CONFIG_EVERY);
  }

  /** The publication that had replaced a cohort last; 0 = none had. */
  #lastOf(cohort: number, publication: number): number {
    const last = this.#cohortPublications(publication) - 1;
    const index = last - ((last - cohort + COHORT_COUNT) % COHORT_COUNT);
    return index < 0 ? 0 : index + 1 + Math.floor(index / (CONFIG_EVERY - 1));
  }

  /** One in ten publications of a cohort removes it instead. */
  isRemoval(publication: number): boolean {
    return this.hash(publication, 1) % 10 === 0;
  }

  /** Whether a cohort is set. */
  isSet(cohort: number, publication: number): boolean {
    const last = this.#lastOf(cohort, publication);
    return last > 0 && !this.isRemoval(last);
  }

  #isListed(publication: number, person: number): boolean {
    const form = this.hash(publication, 2) % 10;
    if (form === 0) return false;
    if (form === 1) return person === this.hash(publication, 3) % PERSON_COUNT;
    return (this.hash(publication, 4, person) & 1) === 1;
  }

  /** The members by which a publication replaces its cohort. */
  *members(publication: number): IterableIterator<string> {
    const nameOf = isOfUsers(this.cohortOf(publication)) ? userId : groupName;
    for (let person = 0; person < PERSON_COUNT; person++) {
      if (this.#isListed(publication, person)) yield nameOf(person);
    }
    // Nobody asks for the others; they give the cohort its size, mostly a small one.
    const share = (this.hash(publication, 5) % 1000) / 1000;
    const others = Math.floor(share ** 6 * MEMBER_COUNT_MAX);
    for (let other = 0; other < others; other++) yield `member-${publication}-${other}`;
  }

  isMember(cohort: number, publication: number, { user, group, given }: Person): boolean {
    if (given && isOfUsers(cohort)) return given.includes(cohortId(cohort));
    const last = this.#lastOf(cohort, publication);
    if (last === 0 || this.isRemoval(last)) return false;
    return this.#isListed(last, isOfUsers(cohort) ? user : group);
  }

  /** Ids of the named cohorts of a selector that have a person. */
  cohortsOf(publication: number, person: Person, ofUsers: boolean): string[] {
    const { named } = this.#config(this.versionAt(publication));
    return Array.from({ length: COHORT_COUNT }, (_, cohort) => cohort)
      .filter((cohort) => isOfUsers(cohort) === ofUsers && named.has(cohort))
      .filter((cohort) => this.isMember(cohort, publication, person))
      .map(cohortId);
  }

  namedCohorts(publication: number): ReadonlySet<number> {
    return this.#config(this.versionAt(publication)).named;
  }

  flagCount(publication: number): number {
    return this.#config(this.versionAt(publication)).rules.length;
  }

  #config(version: number): Config {
    const known = this.#configs.get(version);
    if (known) return known;
    const share = (this.hash(version, 6) % 1000) / 1000;
    const count = 1 + Math.floor(share ** 3 * FLAG_COUNT_MAX);
    const rules = Array.from({ length: count }, (_, flag) => this.#rule(version, flag));
    const isNaming = (rule: Rule) => "cohorts" in rule && rule.kind !== "equal";
    const naming = rules.filter(isNaming) as { cohorts: readonly number[] }[];
    const named = new Set(naming.flatMap(({ cohorts }) => cohorts));
    const config = { version, rules, named };
    if (this.#configs.size > 100) this.#configs.clear();
    this.#configs.set(version, config);
    return config;
  }

  #rule(version: number, flag: number): Rule {
    const roll = (what: number) => this.hash(version, flag + 1000, what);
    const cohort = (of: number) => (of * COHORT_COUNT) / 2 + (roll(of) % USER_COHORT_COUNT);
    // "is" on a list of cohorts makes the engine list them all: only some configs have it.
    const kinds = ["regex", "number", "is", "bucket", "any", "none", "both", "parent", "equal"];
    const kind = kinds[roll(2) % (this.hash(version, 7) % 3 === 0 ? 9 : 8)];
    // Some configs name no cohorts at all: for these the protocol has fewer steps.
    const withCohorts = this.hash(version, 8) % 5 > 0;
    if (kind === "regex") return { kind, end: roll(3) % 10 };
    if (kind === "number") return { kind, end: roll(3) % PERSON_COUNT };
    if (kind === "parent" && flag > 0) return { kind, parent: roll(3) % flag };
    if (withCohorts) {
      const both = [cohort(0), cohort(1)];
      if (kind === "any") return { kind, cohorts: both.slice(roll(3) % 2).slice(0, 1) };
      if (kind === "none") return { kind, cohorts: both.slice(roll(3) % 2).slice(0, 1) };
      if (kind === "both") return { kind, cohorts: both };
      if (kind === "equal") return { kind, cohorts: [cohort(0)] };
    }
    if (kind === "is") return { kind, users: [3, 4, 5].map((what) => roll(what) % PERSON_COUNT) };
    return { kind: "bucket", salt: `salt-${version}-${flag}`, end: 1 + (roll(3) % 99) };
  }

  /** What the config of a version says: its number stands in every answer. */
  flags(version: number): Flags {
    return this.#config(version).rules.map((rule, flag) => {
      const variant = (key: string) => ({ key, value: key, payload: { version, flag } });
      const first =
        rule.kind === "bucket"
          ? { bucket: bucketOf(rule.salt, rule.end), variant: "b" }
          : { conditions: [conditionsOf(rule)], variant: "a" };
      return {
        key: flagKey(flag),
        metadata: { version },
        variants: { a: variant("a"), b: variant("b") },
        segments: [first, { variant: "b" }],
        dependencies: rule.kind === "parent" ? [flagKey(rule.parent)] : [],
      };
    });
  }

  /** A flag's answer after a publication. */
  expected(publication: number, flag: number, person: Person): Expectation | undefined {
    const config = this.#config(this.versionAt(publication));
    const { version, rules } = config;
    if (flag >= rules.length) return undefined;
    return { key: this.#holds(publication, config, flag, person) ? "a" : "b", version };
  }

  #holds(publication: number, config: Config, flag: number, person: Person): boolean {
    const rule = config.rules[flag];
    if (rule.kind === "regex") return person.user % 10 <= rule.end;
    if (rule.kind === "number") return person.user < rule.end;
    if (rule.kind === "is") return rule.users.includes(person.user);
    if (rule.kind === "bucket") return slotOf(`${rule.salt}/${userId(person.user)}`) < rule.end;
    if (rule.kind === "parent") return this.#holds(publication, config, rule.parent, person);
    const isMember = (cohort: number) => this.isMember(cohort, publication, person);
    if (rule.kind === "none") return !rule.cohorts.some(isMember);
    const isListed = (cohort: number) => person.given !== undefined || config.named.has(cohort);
    if (rule.kind === "equal") return rule.cohorts.every((one) => isListed(one) && isMember(one));
    return rule.cohorts.every(isMember);
  }
}

function slotOf(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return murmur3(bytes, 0, bytes.length) % 100;
}

function bucketOf(salt: string, end: number) {
  const distributions = [{ variant: "a", range: [0, RANGE_END] }];
  return { selector: USER_ID, salt, allocations: [{ range: [0, end], distributions }] };
}

function conditionsOf(rule: Exclude<Rule, { kind: "bucket" }>): Condition[] {
  if (rule.kind === "regex") {
    return [{ selector: USER_ID, op: "regex match", values: [`^user-\\d*[0-${rule.end}]$`] }];
  }
  if (rule.kind === "number") {
    const selector = ["context", "user", "user_properties", "n"];
    return [{ selector, op: "less", values: [String(rule.end)] }];
  }
  if (rule.kind === "is") return [{ selector: USER_ID, op: "is", values: rule.users.map(userId) }];
  if (rule.kind === "parent") {
    return [{ selector: ["result", flagKey(rule.parent), "key"], op: "is", values: ["a"] }];
  }
  const ops = { any: "set contains any", both: "set contains any", equal: "is" };
  const op = rule.kind === "none" ? "set does not contain any" : ops[rule.kind];
  return rule.cohorts.map((cohort) => ({
    selector: isOfUsers(cohort) ? USER_COHORTS : GROUP_COHORTS,
    op,
    values: [cohortId(cohort)],
  }));
}

export function groupTypeOf(cohort: number): string {
  return isOfUsers(cohort) ? "User" : "org";
}
