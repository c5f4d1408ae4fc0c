import { expect, test } from "vitest";
import { compareOnce, describeFailure, shrinkFailure } from "./differential.ts";

const CONFIGS = 720;
const USERS = 170;
// Creating engines costs far more than evaluating, so most configs use the updated one only.
const FRESH_EVERY = 8;

test(`${CONFIGS} random configs give the oracle's answers`, { timeout: 300_000 }, () => {
  let evaluations = 0;
  let skipped = 0;
  for (let seed = 1; seed <= CONFIGS; seed++) {
    const fresh = seed % FRESH_EVERY === 0;
    const outcome = compareOnce(seed, { contexts: USERS, sampleEvery: 10, fresh });
    if (outcome.failure) throw new Error(describeFailure(shrinkFailure(outcome.failure)));
    evaluations += outcome.evaluations;
    skipped += outcome.skipped;
  }
  expect(evaluations).toBeGreaterThanOrEqual(100_000);
  // The generator avoids what the oracle throws on; many skips would mean it proves little.
  expect(skipped).toBeLessThan(evaluations / 20);
});
