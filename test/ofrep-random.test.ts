// OpenFeature's remote evaluation protocol with random flags and contexts.
import {
  Engine,
  type EvaluationFlag,
  type EvaluationVariant,
  type ExperimentUser,
  type SegmentExplanation,
  toContext,
} from "halyard/engine";
import { expect, test } from "vitest";
import { randomMeant } from "./ofrep/contexts.ts";
import { expectedOf, oracle } from "./ofrep/flags.ts";
import { OfrepServer } from "./ofrep/server.ts";
import { randomFlags, seededRandom } from "./random.ts";

const ROUNDS = 8;

/** Of what the reference engine says of a flag. */
function expectedAnswer(flag: EvaluationFlag, variant: EvaluationVariant): object {
  const { key } = flag;
  const value = expectedOf(flag, variant);
  if (Array.isArray(value)) return { key, errorCode: "GENERAL" };
  const flat = Object.entries(variant.metadata ?? {}).filter(
    ([, item]) => item !== null && typeof item !== "object",
  );
  const metadata = flat.length > 0 ? Object.fromEntries(flat) : undefined;
  return { key, variant: variant.key, value, metadata };
}

/** By the numbers of an explanation; undefined where a bucket and a segment name one variant. */
function expectedReason(engine: Engine, flag: EvaluationFlag, user: ExperimentUser) {
  const { variant, segmentIndex, segments } = engine.explain(toContext(user), flag.key)!;
  if (variant!.metadata?.default) return "DEFAULT";
  const isForAll = ({ conditions }: SegmentExplanation) =>
    !conditions || conditions.some((alternative) => alternative.length === 0);
  if (segments.every((segment) => isForAll(segment) && !segment.bucket)) return "STATIC";
  const chosen = segments[segmentIndex];
  const fallback = flag.segments[segmentIndex].variant;
  const keys = Object.values(flag.variants).map(({ key }) => key);
  const isClear = fallback === undefined && new Set(keys).size === keys.length;
  if (chosen.bucket) return isClear ? "SPLIT" : undefined;
  return isForAll(chosen) ? "DEFAULT" : "TARGETING_MATCH";
}

test("random contexts give what the reference engine says", async () => {
  const reasons = new Map<string, number>();
  let compared = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const random = seededRandom(seed);
    const flags = JSON.parse(JSON.stringify(randomFlags(random))) as EvaluationFlag[];
    const byKey = new Map(flags.map((flag) => [flag.key, flag]));
    const engine = Engine.loadSync(flags);
    const served = await OfrepServer.start(flags);
    for (let round = 0; round < ROUNDS; round++) {
      const meant = randomMeant(random);
      if (!meant) continue;
      const expected = Object.entries(oracle(flags, meant.user)).map(([key, variant]) =>
        expectedAnswer(byKey.get(key)!, variant),
      );
      const answers = await served.all(meant.context);
      const seen = answers.map(({ key, variant, value, metadata, errorCode }) =>
        errorCode ? { key, errorCode } : { key, variant, value, metadata },
      );
      expect(seen, `seed ${seed}`).toEqual(expected);
      compared += seen.length;
      for (const { key, reason, errorCode } of answers) {
        if (errorCode) continue;
        const flag = byKey.get(`${key}`)!;
        const why = expectedReason(engine, flag, meant.user) ?? reason;
        expect(reason, `seed ${seed}, ${key}`).toBe(why);
        reasons.set(`${why}`, (reasons.get(`${why}`) ?? 0) + 1);
      }
      const { key } = random.pick(flags);
      const one = await served.one(key, meant.context);
      const same = answers.find((answer) => answer.key === key) ?? { key, reason: "DEFAULT" };
      expect(one.body, `seed ${seed}, ${key}`).toEqual(same);
    }
    await served.stop();
  }
  expect(compared).toBeGreaterThan(500);
  expect([...reasons.keys()].sort()).toEqual(["DEFAULT", "SPLIT", "STATIC", "TARGETING_MATCH"]);
});
