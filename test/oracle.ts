// The reference engine, called the way Amplitude's SDKs call it: flags by key, sorted, evaluated.
import { createRequire } from "node:module";
import type { EvaluationContext } from "halyard/engine";

type Json = Record<string, unknown>;

interface Core {
  EvaluationEngine: new () => {
    evaluate(context: Json, flags: Json[]): Json;
    getHash(key: string): number;
  };
  topologicalSort(flags: Json, flagKeys?: string[]): Json[];
}

const core = createRequire(import.meta.url)("@amplitude/experiment-core") as Core;
const engine = new core.EvaluationEngine();

/** Evaluates with Amplitude's engine. Throws where that engine throws. */
export function evaluateWithOracle(
  flags: unknown[],
  context: EvaluationContext,
  flagKeys?: string[],
): Json {
  const record = Object.fromEntries((flags as Json[]).map((flag) => [flag.key, flag]));
  return engine.evaluate(context as Json, core.topologicalSort(record, flagKeys));
}

/** MurmurHash3 x86 32, seed 0, as the reference engine computes it. */
export function hashWithOracle(text: string): number {
  return engine.getHash(text);
}
