// What is wrong with an answer of a stress run, if it is of a certain publication.
import type { EvaluationVariant, Explanation, PinnedUser, Variants } from "halyard/engine";
import { flagKey, GROUP_COHORTS, type Person, type StressPlan, USER_COHORTS } from "./plan.ts";

/** What is wrong with an answer if it is of this publication; undefined = nothing. */
export type Mismatch = (publication: number) => string | undefined;

/** Users of a batch that are looked at. */
const ROWS_CHECKED = 50;

export class StressJudge {
  readonly #plan: StressPlan;

  constructor(plan: StressPlan) {
    this.#plan = plan;
  }

  variant(
    publication: number,
    person: Person,
    flag: number,
    variant: EvaluationVariant | undefined,
  ): string | undefined {
    const expected = this.#plan.expected(publication, flag, person);
    if (!expected && !variant) return undefined;
    const payload = variant?.payload as { version: number; flag: number } | undefined;
    const isRight =
      variant !== undefined &&
      expected !== undefined &&
      variant.key === expected.key &&
      variant.value === expected.key &&
      payload?.version === expected.version &&
      payload.flag === flag &&
      variant.metadata?.version === expected.version;
    if (isRight) return undefined;
    const texts = [expected, variant, person].map((value) => JSON.stringify(value));
    return `${flagKey(flag)}: expected ${texts[0]}, got ${texts[1]} for ${texts[2]}`;
  }

  all(publication: number, person: Person, variants: Variants): string | undefined {
    const count = this.#plan.flagCount(publication);
    if (variants.size !== count) return `${variants.size} flags instead of ${count}`;
    for (let flag = 0; flag < count; flag++) {
      const reason = this.variant(publication, person, flag, variants.get(flagKey(flag)));
      if (reason) return reason;
    }
    return undefined;
  }

  explanation(
    publication: number,
    person: Person,
    flag: number,
    explanation: Explanation | undefined,
  ): string | undefined {
    const reason = this.variant(publication, person, flag, explanation?.variant);
    if (reason || !explanation) return reason;
    const conditions = explanation.segments.flatMap(({ conditions: met }) => met?.flat() ?? []);
    for (const { selector, reached, value } of conditions) {
      const name = selector.join();
      const ofUsers = name === USER_COHORTS.join();
      if (!reached || (!ofUsers && name !== GROUP_COHORTS.join())) continue;
      const isGiven = ofUsers && person.given !== undefined;
      const expected = isGiven ? person.given : this.#plan.cohortsOf(publication, person, ofUsers);
      const seen = value ?? [];
      if (JSON.stringify([...(seen as string[])].sort()) !== JSON.stringify([...expected!].sort()))
        return `cohorts of ${JSON.stringify(person)}: expected ${expected}, got ${seen}`;
    }
    return undefined;
  }

  pinned(pinned: PinnedUser, person: Person, flag: number, isExplained: boolean): Mismatch {
    return (publication) => {
      const reason =
        this.variant(publication, person, flag, pinned.variant(flagKey(flag))) ??
        this.all(publication, person, pinned.evaluateAll());
      if (reason || !isExplained) return reason;
      return this.explanation(publication, person, flag, pinned.explain(flagKey(flag)));
    };
  }

  /** @param flags - undefined = all */
  many(
    persons: readonly Person[],
    flags: readonly number[] | undefined,
    at: (row: number, key: string) => EvaluationVariant | undefined,
  ): Mismatch {
    return (publication) => {
      for (const flag of flags ?? this.#flags(publication)) {
        for (const [row, person] of persons.slice(0, ROWS_CHECKED).entries()) {
          const reason = this.variant(publication, person, flag, at(row, flagKey(flag)));
          if (reason) return `row ${row}: ${reason}`;
        }
      }
      return undefined;
    };
  }

  some(
    person: Person,
    flags: readonly number[],
    record: Record<string, EvaluationVariant>,
  ): Mismatch {
    return (publication) => {
      for (const flag of flags.length > 0 ? flags : this.#flags(publication)) {
        const reason = this.variant(publication, person, flag, record[flagKey(flag)]);
        if (reason) return reason;
      }
      return undefined;
    };
  }

  flagCount(count: number): Mismatch {
    return (publication) => {
      const expected = this.#plan.flagCount(publication);
      return count === expected ? undefined : `${count} flags instead of ${expected}`;
    };
  }

  warningCount(count: number): Mismatch {
    return (publication) => {
      const named = [...this.#plan.namedCohorts(publication)];
      const expected = named.filter((cohort) => !this.#plan.isSet(cohort, publication)).length;
      return count === expected ? undefined : `${count} warnings instead of ${expected}`;
    };
  }

  #flags(publication: number): number[] {
    return Array.from({ length: this.#plan.flagCount(publication) }, (_, flag) => flag);
  }
}
