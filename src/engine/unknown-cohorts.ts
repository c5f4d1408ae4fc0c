import { describe, type EngineWarning } from "./errors.ts";
import type { NamedCohort } from "./image-reader.ts";

/** Among the values of a condition it stands for null. */
const NULL_VALUE = "(none)";

/** The warnings of an image, and one for each cohort that it names and the engine does not have. */
export function withUnknownCohorts(
  warnings: readonly EngineWarning[],
  named: readonly NamedCohort[],
  isKnown: (cohort: number) => boolean,
): readonly EngineWarning[] {
  const isUnknown = ({ cohortId }: NamedCohort, index: number) =>
    cohortId !== NULL_VALUE && !isKnown(index);
  const unknown = named.filter(isUnknown).map(warningOf);
  return unknown.length > 0 ? Object.freeze([...warnings, ...unknown]) : warnings;
}

function warningOf({ cohortId, groupType, flagKey, path }: NamedCohort): EngineWarning {
  const whose = groupType === "User" ? "users" : `groups of type ${describe(groupType)}`;
  return Object.freeze({
    code: "unknown-cohort",
    flagKey,
    path: `flags[${JSON.stringify(flagKey)}]${path}`,
    message: `the cohort ${describe(cohortId)} of ${whose} is not set: nobody is in it`,
  });
}
