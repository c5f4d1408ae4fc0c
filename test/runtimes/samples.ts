// The cases that every runtime runs: those written by hand, and random ones with the answers of
// the reference engine. Only what JSON can carry.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EvaluationContext } from "../../src/engine/index.ts";
import { evaluateWithOracle } from "../oracle.ts";
import { randomContext, randomFlags, seededRandom } from "../random.ts";
import { root } from "./folder.ts";

export interface RuntimeCase {
  name: string;
  /** As files in test/cases: JSON, with what is expected in it. */
  text: string;
}

export interface Samples {
  cases: RuntimeCase[];
  /** For measuring how long the first answer takes. */
  cold: { flags: unknown; context: unknown };
}

const SEED = 20_260_401;
const RANDOM_CASES = 150;
const USERS = 12;

const read = (path: string) => readFileSync(join(root, path), "utf8");

function writtenCases(): RuntimeCase[] {
  const names = readdirSync(join(root, "test", "cases"), { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => name.endsWith(".json")).sort();
  return files.map((name) => ({
    name: name.replaceAll("\\", "/").slice(0, -".json".length),
    text: read(join("test", "cases", name)),
  }));
}

/** As it arrives after a journey as JSON; undefined if it is then something else to evaluate. */
function carried<Value>(value: Value): Value | undefined {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function randomCase(seed: number): RuntimeCase {
  const random = seededRandom(seed);
  const flags = carried(randomFlags(random))!;
  const contexts: { context: EvaluationContext; expected: unknown }[] = [];
  while (contexts.length < USERS) {
    const context = carried(randomContext(random));
    if (context === undefined) continue;
    try {
      contexts.push({ context, expected: evaluateWithOracle(flags, context) });
    } catch {
      // Where the reference engine throws there is nothing to compare with.
    }
  }
  return { name: `random ${seed}`, text: JSON.stringify({ flags, contexts }) };
}

export function makeSamples(): Samples {
  const random = Array.from({ length: RANDOM_CASES }, (_, index) => randomCase(SEED + index));
  const cold = {
    flags: JSON.parse(read("examples/flags.json")),
    context: { user: JSON.parse(read("examples/users.json"))[0] },
  };
  return { cases: [...writtenCases(), ...random], cold };
}
