// Every way to ask an engine, each compared with the oracle.
import type { EvaluationFlag } from "@amplitude/experiment-core";
import type { Columns, Engine, EvaluationContext, Outcomes } from "halyard/engine";
import type { CompactEngine } from "halyard/engine/compact";
import { attempt, type Difference, differ, Thrown } from "./difference.ts";
import { evaluateWithOracle } from "./oracle.ts";

type Answers = Record<string, unknown>;

export function compareSubset(
  engine: Engine | CompactEngine,
  name: string,
  flags: EvaluationFlag[],
  context: EvaluationContext,
  flagKeys: string[],
): Difference | undefined {
  const expected = attempt(() => evaluateWithOracle(flags, context, flagKeys));
  if (expected instanceof Thrown) return undefined;
  const api = `${name} evaluate(context, flagKeys)`;
  const found = differ(api, expected, () => engine.evaluate(context, flagKeys));
  return found && { ...found, flagKeys };
}

function textOf(view: ReturnType<Engine["evaluateAll"]>): string {
  return new TextDecoder().decode(view.toJsonBytes());
}

export function compareView(
  engine: Engine,
  name: string,
  context: EvaluationContext,
  expected: Answers,
  keys: string[],
): Difference | undefined {
  const sorted = (names: Iterable<string>): string[] => [...names].sort();
  const names = sorted(Object.keys(expected));
  const view = attempt(() => engine.evaluateAll(context)) as ReturnType<Engine["evaluateAll"]>;
  if (view instanceof Thrown) {
    return { api: `${name} evaluateAll`, expected, actual: view };
  }
  const api = (method: string): string => `${name} evaluateAll().${method}`;
  const found =
    differ(api("toObject"), expected, () => view.toObject()) ??
    differ(api("toJSON"), expected, () => view.toJSON()) ??
    differ(api("toJsonBytes"), JSON.stringify(view.toObject()), () => textOf(view)) ??
    differ(api("size"), names.length, () => view.size) ??
    differ(api("keys"), names, () => sorted(view.keys())) ??
    differ(api("entries"), expected, () => Object.fromEntries(view.entries())) ??
    differ(api("iterator"), expected, () => Object.fromEntries(view));
  if (found) return found;
  for (const key of keys) {
    const has = Object.hasOwn(expected, key);
    const difference =
      differ(api(`has(${key})`), has, () => view.has(key)) ??
      differ(api(`get(${key})`), has ? expected[key] : undefined, () => view.get(key));
    if (difference) return difference;
  }
  return undefined;
}

export function compareKeys(
  engine: Engine | CompactEngine,
  name: string,
  flags: EvaluationFlag[],
  context: EvaluationContext,
): Difference | undefined {
  for (const key of [...flags.map((flag) => flag.key), "missing-flag"]) {
    const answers = attempt(() => evaluateWithOracle(flags, context, [key])) as Answers | Thrown;
    if (answers instanceof Thrown) continue;
    const expected = Object.hasOwn(answers, key) ? answers[key] : undefined;
    const found =
      differ(`${name} variant(${key})`, expected, () => engine.variant(context, key)) ??
      (key === "missing-flag" || !("explain" in engine)
        ? undefined
        : differ(`${name} explain(${key}).variant`, expected, () => {
            return engine.explain(context, key)?.variant;
          }));
    if (found) return found;
  }
  return undefined;
}

/** The user as a table of one row: whole members, and again the user's fields. */
function columnsOf(context: EvaluationContext): Columns {
  const columns: Record<string, unknown[]> = { row: [0] };
  for (const [name, value] of Object.entries(context)) columns[name] = [value];
  const { user } = context;
  if (typeof user !== "object" || user === null) return columns as unknown as Columns;
  for (const [name, value] of Object.entries(user)) columns[`user.${name}`] = [value];
  return columns as unknown as Columns;
}

export function comparePinned(
  engine: Engine,
  name: string,
  context: EvaluationContext,
  expected: Answers,
  keys: string[],
): Difference | undefined {
  const user = attempt(() => engine.pin(context)) as ReturnType<Engine["pin"]>;
  if (user instanceof Thrown) return { api: `${name} pin`, expected, actual: user };
  const found = differ(`${name} pin().evaluateAll`, expected, () => user.evaluateAll().toObject());
  if (found) return found;
  for (const key of keys) {
    const variant = Object.hasOwn(expected, key) ? expected[key] : undefined;
    const difference =
      differ(`${name} pin().variant(${key})`, variant, () => user.variant(key)) ??
      differ(`${name} pin().explain(${key}).variant`, variant, () => user.explain(key)?.variant);
    if (difference) return difference;
  }
  return undefined;
}

export function compareMany(
  engine: Engine,
  name: string,
  [flags, context]: [EvaluationFlag[], EvaluationContext],
  expected: Answers,
  flagKeys: string[],
): Difference | undefined {
  const isTable = typeof context === "object" && context !== null && !Array.isArray(context);
  // A table has no context as a whole.
  const asksForContext = JSON.stringify(flags).includes('"selector":["context"]');
  const columns = isTable && !asksForContext ? columnsOf(context) : undefined;
  for (const keys of [undefined, flagKeys]) {
    // Asked alone, a flag does not see the results of flags that it reads but does not depend on.
    const results = keys ? attempt(() => evaluateWithOracle(flags, context, keys)) : expected;
    if (results instanceof Thrown) continue;
    const asked = keys ?? engine.flagKeys;
    const answers = Object.fromEntries(asked.map((key) => [key, (results as Answers)[key]]));
    const answersAt = (many: Outcomes, row: number) =>
      Object.fromEntries(asked.map((key) => [key, many.at(row, key)]));
    const users = [{}, context, { user: { user_id: "another" } }];
    const found =
      differ(`${name} evaluateMany(contexts, ${keys})`, answers, () =>
        answersAt(engine.evaluateMany(users, keys), 1),
      ) ??
      (columns &&
        differ(`${name} evaluateMany(columns, ${keys})`, answers, () =>
          answersAt(engine.evaluateMany(columns, keys), 0),
        ));
    if (found) return found;
  }
  return undefined;
}
