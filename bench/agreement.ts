// Whether all lanes answer alike, by every way to ask. Nothing is timed before they do.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Engine, type EvaluationContext, type Outcomes } from "halyard/engine";
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

/** An engine, and its outcomes for all users at once. */
interface Asked {
  lane: string;
  engine: Engine;
  batch: Outcomes;
}

/** By every way to ask one engine about one user: the name, and one flag's answer. */
function* waysOf({ engine, batch }: Asked, user: number, context: EvaluationContext) {
  const view = engine.evaluateAll(context);
  yield ["evaluateAll().get", (key: string) => view.get(key)] as const;
  yield ["variant", (key: string) => engine.variant(context, key)] as const;
  yield ["evaluateMany", (key: string) => batch.at(user, key)] as const;
}

/** The ways that take long, or are the former in another form. */
function* furtherWaysOf({ engine }: Asked, context: EvaluationContext) {
  const view = engine.evaluateAll(context);
  const [record, each]: Answers[] = [view.toObject(), {}];
  view.forEach((variant, key) => {
    each[key] = variant;
  });
  using pinned = engine.pin(context);
  const pinnedView = pinned.evaluateAll();
  yield ["evaluateAll().toObject", (key: string) => record[key]] as const;
  yield ["evaluateAll().forEach", (key: string) => each[key]] as const;
  yield ["explain", (key: string) => engine.explain(context, key)?.variant] as const;
  yield ["pin().variant", (key: string) => pinned.variant(key)] as const;
  yield ["pin().evaluateAll", (key: string) => pinnedView.get(key)] as const;
}

/** The first way to ask by which an engine differs. */
function wayThatDiffers(
  asked: Asked,
  [user, context]: [number, EvaluationContext],
  expected: Answers,
  thorough: boolean,
): string | undefined {
  const first = asked.engine.evaluate(context);
  if (!isDeepStrictEqual(first, expected)) return "evaluate";
  // Mostly the very variant that was just found equal, which spares a costly comparison.
  const same = (actual: unknown, key: string) =>
    actual === first[key] || isDeepStrictEqual(actual, first[key]);
  const { flagKeys } = asked.engine;
  for (const [way, answer] of waysOf(asked, user, context)) {
    if (!flagKeys.every((key) => same(answer(key), key))) return way;
  }
  if (!thorough) return undefined;
  for (const [way, answer] of furtherWaysOf(asked, context)) {
    if (!flagKeys.every((key) => same(answer(key), key))) return way;
  }
  return undefined;
}

/** The first way to ask by which Amplitude's own engine or client differs from `evaluate`. */
function vendorThatDiffers(
  { keys, oracle, client }: Loaded,
  [user, context]: [number, EvaluationContext],
  expected: Answers,
  thorough: boolean,
): string | undefined {
  const all = asClient(expected);
  const key = keys[user % keys.length];
  if (!isDeepStrictEqual(client.evaluate(user), all)) return "client evaluateV2";
  if (!isDeepStrictEqual(client.evaluate(user, [key])[key], all[key])) return "client, one flag";
  if (!isDeepStrictEqual(oracle.variant(context, key), expected[key])) return "oracle, one flag";
  if (!thorough) return undefined;
  const { results } = oracle.trace(context);
  return isDeepStrictEqual(results, expected) ? undefined : "oracle evaluateWithTraces";
}

function askAll({ halyards }: Loaded, contexts: readonly EvaluationContext[]): Asked[] {
  return HALYARDS.flatMap(([lane, backend]) => {
    const engine = halyards[lane];
    const image = Engine.loadSync(engine.toImage(), { backend });
    return [
      { lane, engine, batch: engine.evaluateMany(contexts) },
      { lane: `${lane} from an image`, engine: image, batch: image.evaluateMany(contexts) },
    ];
  });
}

/** @throws if a lane differs from the oracle, saying which, on which user and by which way */
export async function checkAgreement(loaded: Loaded, users: number): Promise<Agreement> {
  const { workload, keys, oracle } = loaded;
  const found: Agreement = { answers: 0, on: 0, off: 0, none: 0, checksum: "" };
  const contexts = workload.users.contexts.slice(0, users);
  const engines = askAll(loaded, contexts);
  const hash = createHash("sha256");
  for (const [user, context] of contexts.entries()) {
    const thorough = user % THOROUGH_EVERY === 0;
    const expected = oracle.evaluate(context);
    const differ = (who: string) => {
      throw new Error(`${who} differs from the oracle: ${workload.name}, user ${user}`);
    };
    const vendor = vendorThatDiffers(loaded, [user, context], expected, thorough);
    if (vendor) differ(vendor);
    for (const asked of engines) {
      const way = wayThatDiffers(asked, [user, context], expected, thorough);
      if (way) differ(`${asked.lane} ${way}`);
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
