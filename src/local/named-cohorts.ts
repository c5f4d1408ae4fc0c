import type { EvaluationFlag } from "../engine/index.ts";

const ANY_OPERATORS: ReadonlySet<unknown> = new Set([
  "set contains any",
  "set does not contain any",
]);

/** Whose cohorts a condition asks, by the rule of Amplitude's server SDKs; undefined = none. */
function groupTypeOf(selector: unknown, op: unknown): string | undefined {
  if (!ANY_OPERATORS.has(op) || !Array.isArray(selector)) return undefined;
  if (selector.length < 3 || selector.at(-1) !== "cohort_ids") return undefined;
  if (selector[1] === "user") return "User";
  return selector.includes("groups") ? selector[2] : undefined;
}

/** By id, the group type of the cohorts that conditions name. What is no flag names none. */
export function cohortsNamedBy(flags: Iterable<EvaluationFlag>): Map<string, string> {
  const cohorts = new Map<string, string>();
  for (const flag of flags) {
    for (const segment of listOf(flag?.segments)) {
      for (const condition of listOf(segment?.conditions).flatMap(listOf)) {
        const groupType = groupTypeOf(condition?.selector, condition?.op);
        if (groupType === undefined) continue;
        for (const id of listOf(condition.values)) {
          if (typeof id === "string") cohorts.set(id, groupType);
        }
      }
    }
  }
  return cohorts;
}

function listOf<Item>(value: readonly Item[] | null | undefined): readonly Item[] {
  return Array.isArray(value) ? value : [];
}
