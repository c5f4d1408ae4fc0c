import { CohortError, describe } from "./errors.ts";

/** @throws {@link CohortError} for arguments that `engine.setCohort` does not take */
export function checkCohort(
  cohortId: unknown,
  groupType: unknown,
  memberIds: unknown,
  options: { onProgress?: unknown } | undefined | null,
): void {
  if (typeof cohortId !== "string" || cohortId === "") fail("cohortId", "a text", cohortId);
  if (typeof groupType !== "string" || groupType === "") fail("groupType", "a text", groupType);
  const isIterable =
    typeof memberIds === "object" &&
    memberIds !== null &&
    (Symbol.iterator in memberIds || Symbol.asyncIterator in memberIds);
  if (!isIterable) fail("memberIds", "an iterable or async iterable of texts", memberIds);
  const onProgress = options?.onProgress;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    fail("options.onProgress", "a function", onProgress);
  }
}

function fail(what: string, expected: string, got: unknown): never {
  throw new CohortError("invalid-cohort", `${what}: expected ${expected}, got ${describe(got)}`);
}
