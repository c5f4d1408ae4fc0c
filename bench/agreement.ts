// Whether all lanes answer alike, by every way to ask. Nothing is timed before they do.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Engine, type EvaluationContext } from "halyard/engine";
import { type Answers, HALYARDS, type Loaded } from "./lanes.ts";

/** What the users of a workload were answered. */
export interface Agreement {
  answers: number;
  on: number;
  off: number;
  none: number;
  /** Of every answer, in order: equal in runs that were answered alike. */
  checksum: string;
}

/** Every how many users all ways to ask are tried: explaining 500 flags takes its time. */
const THOROUGH_EVERY = 16;

/** The client writes a value into every variant, if only undefined. */
function asClient(answers: Answers): Answers {
  return Object.fromEntries(
    Object.entries(answers).map(([key, variant]) => [key, { ...variant, value: variant?.value }]),
  );
}

/** Further ways to ask one engine about one user: the name, and the answers it gives. */
function* waysOf(engine: Engine, context: EvaluationContext, keys: readonly string[]) {
  const by = (answer: (key: string) => Answers[string]): Answers => {
    const answers: Answers = {};
    for (const key of keys) {
      const variant = answer(key);
      if (variant) answers[key] = variant;
    }
    return answers;
  };
  const view = engine.evaluateAll(context);
  const each: Answers = {};
  view.forEach((variant, key) => {
    each[key] = variant;
  });
  const outcomes = engine.evaluateMany([context]);
  using pinned = engine.pin(context);
  yield ["evaluateAll().toObject", view.toObject()] as const;
  yield ["evaluateAll().forEach", each] as const;
  yield ["explain", by((key) => engine.explain(context, key)?.variant)] as const;
  yield ["evaluateMany", by((key) => outcomes.at(0, key))] as const;
  yield ["pin().variant", by((key) => pinned.variant(key))] as const;
  yield ["pin().evaluateAll", pinned.evaluateAll().toObject()] as const;
}

/** Equal answers; mostly the very same shared variants, which spares a costly comparison. */
function same(actual: Answers, expected: Answers, keys: readonly string[]): boolean {
  return keys.every(
    (key) => actual[key] === expected[key] || isDeepStrictEqual(actual[key], expected[key]),
  );
}

/** The first way to ask by which the engine differs. */
function wayThatDiffers(
  engine: Engine,
  context: EvaluationContext,
  expected: Answers,
  thorough: boolean,
): string | undefined {
  const keys = Object.keys(expected);
  const first = engine.evaluate(context);
  if (!isDeepStrictEqual(first, expected)) return "evaluate";
  const ways = thorough ? waysOf(engine, context, engine.flagKeys) : [];
  for (const [way, answers] of ways) {
    const count = Object.keys(answers).length;
    if (count !== keys.length || !same(answers, first, keys)) return way;
  }
  const variants = engine.evaluateAll(context);
  const differs = engine.flagKeys.find(
    (key) => variants.get(key) !== first[key] || engine.variant(context, key) !== first[key],
  );
  return differs && `${differs} alone`;
}

/** @throws if a lane differs from the oracle, saying which, on which user and by which way */
export async function checkAgreement(loaded: Loaded, users: number): Promise<Agreement> {
  const { workload, keys, oracle, client, halyards } = loaded;
  const found: Agreement = { answers: 0, on: 0, off: 0, none: 0, checksum: "" };
  const engines = HALYARDS.flatMap(([lane, backend]): [string, Engine][] => {
    const image = Engine.loadSync(halyards[lane].toImage(), { backend });
    return [
      [lane, halyards[lane]],
      [`${lane} from an image`, image],
    ];
  });
  const hash = createHash("sha256");
  for (const [user, context] of workload.users.contexts.slice(0, users).entries()) {
    const thorough = user % THOROUGH_EVERY === 0;
    const expected = oracle.evaluate(context);
    const differ = (lane: string, way: string) => {
      throw new Error(`${lane} differs from the oracle: ${workload.name}, user ${user}, ${way}`);
    };
    if (thorough && !isDeepStrictEqual(oracle.trace(context).results, expected)) {
      differ("oracle", "evaluateWithTraces");
    }
    if (!isDeepStrictEqual(client.evaluate(user), asClient(expected))) differ("client", "all");
    for (const [lane, engine] of engines) {
      const way = wayThatDiffers(engine, context, expected, thorough);
      if (way) differ(lane, way);
    }
    for (const key of keys) {
      const name = expected[key]?.key;
      found.answers++;
      if (name === "on") found.on++;
      else if (name === undefined) found.none++;
      else found.off++;
      hash.update(`${name ?? ""}\n`);
    }
    // Lets Ctrl-C through.
    if (thorough) await setImmediate();
  }
  return { ...found, checksum: hash.digest("hex").slice(0, 16) };
}
