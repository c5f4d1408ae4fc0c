import {
  type Engine,
  type EvaluationVariant,
  type ExperimentUser,
  type Explanation,
  toContext,
} from "../engine/index.ts";
import { printable } from "../sdk/printable.ts";
import { explanationText } from "./explanation.ts";
import { Table } from "./table.ts";
import { nameOf } from "./user.ts";

/** Turns users into text. Each call returns what can be printed so far. */
export interface Report {
  add(user: ExperimentUser, position: number): string;
  end(): string;
}

type Variants = Record<string, EvaluationVariant>;

/** Evaluates with the ancestors of `keys`, and answers for `keys` alone. */
function evaluate(
  engine: Engine,
  user: ExperimentUser,
  keys: readonly string[],
  all: boolean,
): Variants {
  const results = engine.evaluate(toContext(user), all ? undefined : keys);
  if (all) return results;
  const asked = keys.filter((key) => Object.hasOwn(results, key));
  return Object.fromEntries(asked.map((key) => [key, results[key]]));
}

function variantName(variant: EvaluationVariant | undefined): string {
  // A flag whose segments all pass the user by has no variant at all, not even "off".
  if (variant === undefined) return "-";
  return String(variant.key ?? variant.value ?? "(no key)");
}

/** Aligned columns for people. */
export function tableReport(
  engine: Engine,
  keys: readonly string[],
  all: boolean,
  hold: number,
): Report {
  const table = new Table(["USER", "FLAG", "VARIANT", "SEGMENT"], hold);
  table.reserve(1, Math.max(0, ...keys.map((key) => key.length)));
  return {
    add(user, position) {
      const variants = evaluate(engine, user, keys, all);
      const name = nameOf(user, position);
      let text = "";
      for (const key of keys) {
        const variant = Object.hasOwn(variants, key) ? variants[key] : undefined;
        const segment = variant?.metadata?.segmentName;
        const cells = [name, key, variantName(variant)];
        text += table.add([...cells, typeof segment === "string" ? segment : "-"]);
      }
      return text;
    },
    end: () => table.end(),
  };
}

/** Indented reasons for people. */
export function explanationReport(engine: Engine, keys: readonly string[]): Report {
  return {
    add(user, position) {
      const context = toContext(user);
      const flags = keys.map((key) => engine.explain(context, key));
      const texts = flags.map((flag) => (flag === undefined ? "" : explanationText(flag)));
      return `${printable(nameOf(user, position))}\n${texts.join("")}`;
    },
    end: () => "",
  };
}

/** One JSON object per line for programs. */
export function jsonReport(
  engine: Engine,
  keys: readonly string[],
  all: boolean,
  explain: boolean,
): Report {
  return {
    add(user) {
      const { user_id, device_id } = user;
      const variants = evaluate(engine, user, keys, all);
      let explanations: Record<string, Explanation | undefined> | undefined;
      if (explain) {
        const context = toContext(user);
        explanations = Object.fromEntries(keys.map((key) => [key, engine.explain(context, key)]));
      }
      return `${JSON.stringify({ user_id, device_id, variants, explanations })}\n`;
    },
    end: () => "",
  };
}
