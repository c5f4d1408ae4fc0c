// Amplitude's LocalEvaluationClient as oracle, never started: flags from `bootstrap`, cohorts put
// into its storage.
import { createRequire } from "node:module";
import {
  type EvaluationContext,
  type EvaluationFlag,
  type EvaluationVariant,
  type ExperimentUser,
  toContext,
} from "halyard/engine";
import { evaluateWithOracle } from "./oracle.ts";

export type Answers = Record<string, unknown>;

export interface StoredCohort {
  cohortId: string;
  groupType: string;
  memberIds: readonly string[];
}

interface Client {
  evaluateV2(user: ExperimentUser, flagKeys?: string[]): Answers;
  enrichUserWithCohorts(user: ExperimentUser, flags: object): void;
  cohortStorage: { put(cohort: object): void };
}

interface ClientModule {
  LocalEvaluationClient: new (key: string, config: object) => Client;
}

const PATH = "@amplitude/experiment-node-server/dist/src/local/client";
const { LocalEvaluationClient } = createRequire(import.meta.url)(PATH) as ClientModule;

export class CohortClient {
  readonly #flags: Record<string, EvaluationFlag>;
  readonly #client: Client;

  constructor(flags: readonly EvaluationFlag[], cohorts: readonly StoredCohort[]) {
    this.#flags = Object.fromEntries(flags.map((flag) => [flag.key, flag]));
    // Without a level it would log each unknown cohort at each evaluation.
    this.#client = new LocalEvaluationClient("test", { bootstrap: this.#flags, logLevel: 0 });
    for (const { cohortId, groupType, memberIds } of cohorts) {
      const size = memberIds.length;
      const members = new Set(memberIds);
      this.#client.cohortStorage.put({ cohortId, groupType, size, memberIds: members });
    }
  }

  /** As {@link asClientAnswers}; the ids that the user brings are overwritten. */
  evaluate(user: ExperimentUser, flagKeys?: string[]): Answers {
    // A copy: the client writes to the user.
    const answers = this.#client.evaluateV2(structuredClone(user), flagKeys);
    return asClientAnswers(answers as Record<string, EvaluationVariant>);
  }

  /** What Amplitude's engine answers if the ids that the user brings stay, others are filled in. */
  respect(user: ExperimentUser, flagKeys?: string[]): Answers {
    const flags = Object.values(this.#flags);
    const answers = evaluateWithOracle(flags, this.contextOf(user), flagKeys);
    return asClientAnswers(answers as Record<string, EvaluationVariant>);
  }

  /** With all that the client fills in, but for the ids that the user brings. */
  contextOf(user: ExperimentUser): EvaluationContext {
    const filled = structuredClone(user);
    this.#client.enrichUserWithCohorts(filled, this.#flags);
    if (user.cohort_ids) filled.cohort_ids = user.cohort_ids;
    for (const [type, ids] of Object.entries(user.group_cohort_ids ?? {})) {
      for (const [name, given] of Object.entries(ids)) {
        if (given.length > 0) filled.group_cohort_ids![type][name] = given;
      }
    }
    return toContext(filled);
  }
}

/** As the client hands variants on: a value is a text or undefined. */
export function asClientAnswers(answers: Record<string, EvaluationVariant>): Answers {
  return Object.fromEntries(
    Object.entries(answers).map(([key, variant]) => [key, asClientVariant(variant)]),
  );
}

/** The client adds `value: undefined`; here it is left out, as in the flag. */
export function asClientVariant(variant: EvaluationVariant | undefined): unknown {
  if (!variant) return undefined;
  const { key, value, payload, metadata } = variant as unknown as Answers;
  const text = typeof value === "string" || value == null ? value : JSON.stringify(value);
  return { key, value: text ?? undefined, payload, metadata };
}
