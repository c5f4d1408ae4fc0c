import { describe, type EngineWarning } from "./errors.ts";
import type { NamedCohort } from "./image-reader.ts";

/** The warnings of an image, and one for each cohort that it names and the engine does not have. */
export function withUnknownCohorts(
  warnings: readonly EngineWarning[],
  named: readonly NamedCohort[],
  isKnown: (cohort: number) => boolean,
): readonly EngineWarning[] {
  const unknown = named.filter((_, index) => !isKnown(index)).map(warningOf);
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
