// Halyard against the published evaluator, one random config and many random users at a time.
import type { EvaluationFlag } from "@amplitude/experiment-core";
import { Engine, type EvaluationContext } from "halyard/engine";
import { CompactEngine } from "halyard/engine/compact";
import { attempt, type Difference, differ, Thrown } from "./difference.ts";
import {
  compareKeys,
  compareMany,
  comparePinned,
  compareSubset,
  compareView,
} from "./entry-points.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { type Random, randomContext, randomFlags, seededRandom } from "./random.ts";
import { type Case, show, shrink } from "./shrink.ts";

type EngineFlags = Parameters<typeof CompactEngine.loadSync>[0];
type Answers = Record<string, unknown>;
type AnyEngine = Engine | CompactEngine;

export type Failure = Difference & { seed: number; case: Case };
export type Outcome = { evaluations: number; skipped: number; failure?: Failure };
export type Options = {
  contexts?: number;
  /** Every how many users all entry points are compared, not only evaluate. */
  sampleEvery?: number;
  /** Also compare fresh engines: of each backend, and from an image. */
  fresh?: boolean;
};

/** Proves that nobody writes to what the caller passed: a write to frozen data throws. */
export function deepFreeze<T>(value: T): T {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return value;
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}

/** Every entry point of one engine for one user. */
function compareEverything(
  engine: AnyEngine,
  name: string,
  [flags, context]: [EvaluationFlag[], EvaluationContext],
  expected: Answers,
  flagKeys: string[],
): Difference | undefined {
  const keys = [...flags.map((flag) => flag.key), "missing-flag", "toString", "__proto__"];
  const found =
    differ(`${name} evaluate`, expected, () => engine.evaluate(context)) ??
    compareSubset(engine, name, flags, context, flagKeys) ??
    compareKeys(engine, name, flags, context);
  if (found || engine instanceof CompactEngine) return found;
  return (
    compareView(engine, name, context, expected, keys) ??
    comparePinned(engine, name, context, expected, keys) ??
    compareMany(engine, name, [flags, context], expected, flagKeys) ??
    differ(`${name} evaluate after the others`, expected, () => engine.evaluate(context))
  );
}

function freshEngines(flags: EvaluationFlag[]): [string, AnyEngine][] {
  const config = flags as unknown as EngineFlags;
  const plain = Engine.loadSync(config, { simd: false });
  const image = Engine.loadSync(plain.toImage() as unknown as EngineFlags);
  return [
    ["no SIMD:", plain],
    ["SIMD:", Engine.loadSync(config, { simd: true })],
    ["JavaScript:", Engine.loadSync(config, { backend: "js" })],
    ["compact JavaScript:", CompactEngine.loadSync(config, { backend: "js" })],
    ["image:", image],
  ];
}

function randomKeys(random: Random, flags: EvaluationFlag[]): string[] {
  const all = [...flags.map((flag) => flag.key), "missing-flag"];
  return random.times(1 + random.int(5), () => random.pick(all));
}

// These live as long as the process and are updated with each config: that is how a server uses
// them, and how leftovers of an earlier config would show.
let longLived: { own: Engine; owner: Engine; attached: Engine; compact: CompactEngine } | undefined;
// Loaded once, so that it may be had by loadSync.
await CompactEngine.load([], { backend: "js" });

function updatedEngines(flags: EvaluationFlag[]): [string, AnyEngine][] {
  const config = flags as unknown as EngineFlags;
  if (longLived) {
    longLived.own.update(config);
    longLived.owner.update(config);
    longLived.compact.update(config);
  } else {
    const owner = Engine.loadSync(config, { shared: true });
    const attached = Engine.attach(owner.handle());
    const compact = CompactEngine.loadSync(config);
    longLived = { own: Engine.loadSync(config), owner, attached, compact };
  }
  const { own, owner, attached, compact } = longLived;
  return [
    ["updated:", own],
    ["attached:", attached],
    ["shared:", owner],
    ["compact:", compact],
  ];
}

/** Whether a case differs at all, by every entry point of fresh engines and an updated one. */
export function findDifference(candidate: Case, flagKeys: string[]): Difference | undefined {
  const flags = candidate.flags as EvaluationFlag[];
  const { context } = candidate;
  const expected = attempt(() => evaluateWithOracle(flags, context)) as Answers | Thrown;
  if (expected instanceof Thrown) return undefined;
  const loaded = attempt(() => [...updatedEngines(flags), ...freshEngines(flags)]);
  if (loaded instanceof Thrown) return { api: "load", expected: "an engine", actual: loaded };
  for (const [name, engine] of loaded as [string, AnyEngine][]) {
    const found = compareEverything(engine, name, [flags, context], expected, flagKeys);
    if (found) return found;
  }
  return undefined;
}

function compareUser(
  engines: [string, AnyEngine][],
  [flags, context]: [EvaluationFlag[], EvaluationContext],
  flagKeys: string[] | undefined,
): Difference | "skipped" | undefined {
  const expected = attempt(() => evaluateWithOracle(flags, context)) as Answers | Thrown;
  if (expected instanceof Thrown) return "skipped";
  for (const [name, engine] of engines) {
    const found = flagKeys
      ? compareEverything(engine, name, [flags, context], expected, flagKeys)
      : differ(`${name} evaluate`, expected, () => engine.evaluate(context));
    if (found) return found;
  }
  return undefined;
}

export function compareOnce(seed: number, options: Options = {}): Outcome {
  const { contexts = 170, sampleEvery = 10, fresh = true } = options;
  const random = seededRandom(seed);
  const flags = deepFreeze(randomFlags(random));
  const outcome: Outcome = { evaluations: 0, skipped: 0 };
  let engines: [string, AnyEngine][];
  try {
    engines = updatedEngines(flags);
    if (fresh) engines.push(...freshEngines(flags));
  } catch (error) {
    const actual = new Thrown(error);
    const failed = { api: "load", expected: "an engine", actual };
    return { ...outcome, failure: { ...failed, seed, case: { flags, context: {} } } };
  }
  for (let index = 0; index < contexts; index++) {
    const context = deepFreeze(randomContext(random));
    // Drawn always, so that the options do not change which users a seed stands for.
    const keys = randomKeys(random, flags);
    const sampled = index % sampleEvery === 0;
    const used = sampled ? engines : engines.slice(0, 1);
    const found = compareUser(used, [flags, context], sampled ? keys : undefined);
    if (found === "skipped") outcome.skipped++;
    else outcome.evaluations++;
    if (found === "skipped" || found === undefined) continue;
    return { ...outcome, failure: { flagKeys: keys, ...found, seed, case: { flags, context } } };
  }
  return outcome;
}

/** The smallest case for the same kind of failure; the failure itself if it needs its history. */
export function shrinkFailure(failure: Failure): Failure {
  const flagKeys = failure.flagKeys ?? [];
  const isLoad = failure.api === "load";
  const fails = (candidate: Case): boolean => {
    const found = attempt(() => findDifference(candidate, flagKeys));
    if (found === undefined) return false;
    return !(found instanceof Thrown) && ((found as Difference).api === "load") === isLoad;
  };
  if (!fails(failure.case)) return failure;
  const small = shrink(failure.case, fails);
  return { ...failure, ...(findDifference(small, flagKeys) as Difference), case: small };
}

export function describeFailure(failure: Failure): string {
  return [
    `Halyard and the oracle differ: ${failure.api}`,
    `replay: npm run fuzz -- --seed ${failure.seed}`,
    `flags: ${show(failure.case.flags)}`,
    `context: ${show(failure.case.context)}`,
    `flagKeys: ${show(failure.flagKeys)}`,
    `expected: ${show(failure.expected)}`,
    `actual: ${show(failure.actual)}`,
  ].join("\n");
}
