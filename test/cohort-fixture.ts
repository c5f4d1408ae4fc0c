// What the tests of cohorts ask.
import type { Engine, EvaluationFlag } from "halyard/engine";

/** On for the members of one of the cohorts: of users, or of the groups of a type. */
export function flagOf(key: string, cohortIds: string[], groupType?: string): EvaluationFlag {
  return {
    key,
    variants: { on: { key: "on" } },
    segments: [
      { conditions: [[condition("set contains any", cohortIds, groupType)]], variant: "on" },
    ],
  };
}

export function condition(op: string, values: string[], groupType?: string) {
  const scope = groupType === undefined ? ["user"] : ["groups", groupType];
  return { selector: ["context", ...scope, "cohort_ids"], op, values };
}

export function idsOf(count: number, prefix = "id"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

export async function* streamOf<Item>(items: Iterable<Item>): AsyncIterable<Item> {
  yield* items;
}

/** Whether a flag is on for the users with these ids. */
export function isIn(engine: Engine, userIds: readonly string[], flagKey = "flag"): boolean[] {
  const many = engine.evaluateMany({ "user.user_id": userIds }, [flagKey]);
  return userIds.map((_, row) => many.at(row, flagKey)?.key === "on");
}

export function isOn(engine: Engine, user_id: string, flagKey = "flag"): boolean {
  return engine.variant({ user: { user_id } }, flagKey)?.key === "on";
}
