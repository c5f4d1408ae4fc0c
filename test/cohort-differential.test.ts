// Halyard against the published Node client, which fills cohorts in: random flags, cohorts, users.
import {
  type Columns,
  Engine,
  type EngineOptions,
  type EvaluationContext,
  type EvaluationFlag,
  type ExperimentUser,
  type Outcomes,
  toContext,
} from "halyard/engine";
import { expect, test } from "vitest";
import {
  type Answers,
  asClientAnswers,
  asClientVariant,
  CohortClient,
  type StoredCohort,
} from "./cohort-client.ts";
import { randomCohorts, randomFlags, randomUser, withOwnIds } from "./cohort-random.ts";
import { attempt, type Difference, differ, Thrown } from "./difference.ts";
import { deepFreeze } from "./differential.ts";
import { seededRandom } from "./random.ts";
import { type Case, show, shrink } from "./shrink.ts";

const CONFIGS = 300;
const USERS = 40;
/** Asking in every way costs far more than asking once. */
const SAMPLE_EVERY = 5;
/** Engines are expensive to make: most configs are given to those that there are. */
const FRESH_EVERY = 20;

/** The users as a table: members as they are, and the id as a column of its own. */
function columnsOf(contexts: readonly EvaluationContext[]): Columns {
  const member = (name: string) => contexts.map((context) => context[name]);
  const users = contexts.map(({ user }) => user as Record<string, unknown> | undefined);
  return {
    user: users,
    "user.user_id": users.map((user) => user?.user_id),
    groups: member("groups"),
  } as unknown as Columns;
}

type Named = [name: string, engine: Engine];

const OPTIONS: readonly [string, EngineOptions][] = [
  ["wasm-simd", { backend: "wasm-simd" }],
  ["wasm", { backend: "wasm" }],
  ["js", { backend: "js" }],
  ["shared", { shared: true }],
];

function freshEngines(flags: EvaluationFlag[], cohorts: readonly StoredCohort[]): Named[] {
  const engines = OPTIONS.map(([name, options]): Named => [name, Engine.loadSync(flags, options)]);
  for (const [, engine] of engines) setCohorts(engine, cohorts);
  const [, shared] = engines[3];
  return [...engines, ["attached", Engine.attach(shared.handle())]];
}

function setCohorts(engine: Engine, cohorts: readonly StoredCohort[]): void {
  for (const { cohortId, groupType, memberIds } of cohorts) {
    engine.setCohort(cohortId, groupType, memberIds);
  }
}

/** As a server does it: config and cohorts are replaced while others stay. */
function renew(engines: Named[], flags: EvaluationFlag[], cohorts: readonly StoredCohort[]): void {
  const ids = new Set(cohorts.map(({ cohortId }) => cohortId));
  for (const [name, engine] of engines) {
    if (name === "attached") continue;
    engine.update(flags);
    for (const { cohortId } of engine.cohorts)
      if (!ids.has(cohortId)) engine.removeCohort(cohortId);
    setCohorts(engine, cohorts);
  }
}

function compareAnswers(
  [name, engine]: Named,
  context: EvaluationContext,
  expected: Answers,
  keys: readonly string[],
): Difference | undefined {
  const pinned = attempt(() => engine.pin(context)) as ReturnType<Engine["pin"]>;
  if (pinned instanceof Thrown) return { api: `${name} pin`, expected, actual: pinned };
  const found =
    differ(`${name} evaluateAll`, expected, () =>
      asClientAnswers(engine.evaluateAll(context).toObject()),
    ) ?? differ(`${name} pin`, expected, () => asClientAnswers(pinned.evaluateAll().toObject()));
  if (found) return found;
  for (const key of keys) {
    const api = (what: string) => `${name} ${what}(${key})`;
    const difference =
      differ(api("pin.variant"), expected[key], () => asClientVariant(pinned.variant(key))) ??
      differ(api("pin.explain"), expected[key], () =>
        asClientVariant(pinned.explain(key)?.variant),
      );
    if (difference) return difference;
  }
  return undefined;
}

/** Asked for one flag, both evaluate its ancestors only. */
function compareFlags(
  [name, engine]: Named,
  context: EvaluationContext,
  expectedOf: (flagKeys: string[]) => Answers,
  keys: readonly string[],
): Difference | undefined {
  for (const key of keys) {
    const expected = attempt(() => expectedOf([key]));
    if (expected instanceof Thrown) continue;
    const answer = (expected as Answers)[key];
    const found =
      differ(`${name} evaluate(${key})`, expected, () =>
        asClientAnswers(engine.evaluate(context, [key])),
      ) ??
      differ(`${name} variant(${key})`, answer, () =>
        asClientVariant(engine.variant(context, key)),
      ) ??
      differ(`${name} explain(${key})`, answer, () =>
        asClientVariant(engine.explain(context, key)?.variant),
      );
    if (found) return found;
  }
  return undefined;
}

function compareMany(
  [name, engine]: Named,
  contexts: readonly EvaluationContext[],
  expected: readonly Answers[],
): Difference | undefined {
  const keys = engine.flagKeys;
  const answersOf = (many: Outcomes) =>
    contexts.map((_, row) => keys.map((key) => asClientVariant(many.at(row, key))));
  const answers = expected.map((answer) => keys.map((key) => answer[key]));
  return (
    differ(`${name} evaluateMany(contexts)`, answers, () =>
      answersOf(engine.evaluateMany(contexts)),
    ) ??
    differ(`${name} evaluateMany(columns)`, answers, () =>
      answersOf(engine.evaluateMany(columnsOf(contexts))),
    )
  );
}

interface Asked {
  user: ExperimentUser;
  /** Whether the user brings ids of cohorts. */
  isOwn: boolean;
}

function findDifference(
  engines: readonly Named[],
  client: CohortClient,
  asked: readonly Asked[],
  sampleEvery: number,
): { difference?: Difference & { user?: ExperimentUser }; count: number } {
  const contexts: EvaluationContext[] = [];
  const answers: Answers[] = [];
  for (const [index, { user, isOwn }] of asked.entries()) {
    const expectedOf = (keys?: string[]) =>
      isOwn ? client.respect(user, keys) : client.evaluate(user, keys);
    const expected = attempt(() => expectedOf()) as Answers;
    // Where the client throws there is nothing to compare with.
    if (expected instanceof Thrown) continue;
    const context = deepFreeze(toContext(user));
    contexts.push(context);
    answers.push(expected);
    for (const named of engines) {
      const [name, engine] = named;
      const keys = engine.flagKeys;
      const isSampled = index % sampleEvery === 0;
      const difference =
        differ(`${name} evaluate`, expected, () => asClientAnswers(engine.evaluate(context))) ??
        (isSampled ? compareAnswers(named, context, expected, keys) : undefined) ??
        (isSampled ? compareFlags(named, context, expectedOf, keys) : undefined);
      if (difference) return { difference: { ...difference, user }, count: answers.length };
    }
  }
  for (const named of engines) {
    const difference = compareMany(named, contexts, answers);
    if (difference) return { difference, count: answers.length };
  }
  return { count: answers.length };
}

/** The smallest flags, cohorts and users that differ for engines of their own. */
function shrunk(flags: EvaluationFlag[], cohorts: StoredCohort[], asked: readonly Asked[]): string {
  const differenceOf = (candidate: Case) => {
    const given = candidate.context as { cohorts: StoredCohort[]; asked: Asked[] };
    // None at all is bug B1 of the client, see randomCohorts.
    if (!given.cohorts?.length || !given.asked) return undefined;
    const found = attempt(() => {
      const all = candidate.flags as EvaluationFlag[];
      const client = new CohortClient(all, given.cohorts);
      return findDifference(freshEngines(all, given.cohorts), client, given.asked, 1).difference;
    });
    return found instanceof Thrown ? undefined : (found as Difference | undefined);
  };
  const whole = { flags, context: { cohorts, asked } };
  if (!differenceOf(whole)) return "engines of its own answer as the client does";
  const small = shrink(whole, (candidate) => differenceOf(candidate) !== undefined);
  return show({ ...small, ...differenceOf(small) });
}

test(`${CONFIGS} random configs with cohorts give the client's answers`, () => {
  let renewed: Named[] | undefined;
  let count = 0;
  for (let seed = 1; seed <= CONFIGS; seed++) {
    const random = seededRandom(seed);
    const flags = deepFreeze(randomFlags(random));
    const cohorts = randomCohorts(random);
    const asked = random.times(USERS, (): Asked => {
      const user = randomUser(random);
      const isOwn = random.chance(0.2);
      return { user: isOwn ? withOwnIds(random, user) : user, isOwn };
    });
    const client = new CohortClient(flags, cohorts);
    if (renewed) renew(renewed, flags, cohorts);
    else renewed = freshEngines(flags, cohorts);
    const engines = seed % FRESH_EVERY === 0 ? freshEngines(flags, cohorts) : renewed;
    const found = findDifference(engines, client, asked, SAMPLE_EVERY);
    count += found.count;
    if (!found.difference) continue;
    const { api, expected, actual, user } = found.difference;
    const whole = show({ seed, api, user, expected, actual });
    throw new Error(`Halyard and the client differ: ${whole}\n${shrunk(flags, cohorts, asked)}`);
  }
  expect(count).toBeGreaterThan(CONFIGS * USERS * 0.9);
});
