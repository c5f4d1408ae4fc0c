// The four lanes: Amplitude's engine and client, Halyard, and Halyard's core as JavaScript.
import { createRequire } from "node:module";
import {
  type Backend,
  Engine,
  type EvaluationContext,
  type EvaluationFlag,
  type EvaluationVariant,
} from "halyard/engine";
import type { Workload } from "./fixture.ts";

export type Answers = Record<string, EvaluationVariant | undefined>;
type User = Record<string, unknown>;

interface Core {
  EvaluationEngine: new () => {
    evaluate(context: EvaluationContext, flags: EvaluationFlag[]): Answers;
    evaluateWithTraces(
      context: EvaluationContext,
      flags: EvaluationFlag[],
    ): { results: Answers; traces: Record<string, unknown> };
  };
  topologicalSort(flags: Record<string, EvaluationFlag>): EvaluationFlag[];
}

interface ClientModule {
  LocalEvaluationClient: new (
    key: string,
    config: object,
  ) => {
    evaluateV2(user: User, flagKeys?: string[]): Answers;
    cohortStorage: {
      put(cohort: object): void;
      getCohortsForUser(userId: unknown, cohortIds: Set<string>): Set<string>;
    };
  };
}

const load = createRequire(import.meta.url);
const core = load("@amplitude/experiment-core") as Core;
const evaluation = new core.EvaluationEngine();

function byKey(flags: EvaluationFlag[]): Record<string, EvaluationFlag> {
  return Object.fromEntries(flags.map((flag) => [flag.key, flag]));
}

/** `EvaluationEngine` on flags that were put in order, and picked by key, beforehand. */
export class Oracle {
  readonly #sorted: EvaluationFlag[];
  readonly #picked: Record<string, EvaluationFlag[]>;

  constructor(flags: EvaluationFlag[]) {
    this.#sorted = core.topologicalSort(byKey(flags));
    this.#picked = Object.fromEntries(this.#sorted.map((flag) => [flag.key, [flag]]));
  }

  evaluate(context: EvaluationContext): Answers {
    return evaluation.evaluate(context, this.#sorted);
  }

  variant(context: EvaluationContext, key: string): EvaluationVariant | undefined {
    return evaluation.evaluate(context, this.#picked[key])[key];
  }

  trace(context: EvaluationContext): { results: Answers; traces: Record<string, unknown> } {
    return evaluation.evaluateWithTraces(context, this.#sorted);
  }
}

/** `LocalEvaluationClient`, never started: flags from `bootstrap`, cohorts put into its storage. */
export class Client {
  readonly #client: InstanceType<ClientModule["LocalEvaluationClient"]>;
  /** Without `cohort_ids`: the client looks them up and writes them itself. */
  readonly #users: User[];

  constructor({ flags, users }: Pick<Workload, "flags" | "users">) {
    const { LocalEvaluationClient } = load(
      "@amplitude/experiment-node-server/dist/src/local/client",
    );
    this.#client = new LocalEvaluationClient("bench", { bootstrap: byKey(flags) });
    const members = new Map<string, Set<string>>();
    const segments = flags.flatMap((flag) => flag.segments);
    for (const { selector, values } of segments.flatMap(
      ({ conditions }) => conditions?.flat() ?? [],
    )) {
      if (selector?.at(-1) !== "cohort_ids") continue;
      for (const id of values) members.set(id, new Set());
    }
    for (const { user_id, cohort_ids } of users.logical) {
      for (const id of cohort_ids) members.get(id)?.add(user_id);
    }
    for (const [cohortId, memberIds] of members) this.putCohort(cohortId, memberIds);
    this.#users = users.contexts.map(({ user }) => {
      const { cohort_ids: _, ...rest } = user as User;
      return rest;
    });
  }

  putCohort(cohortId: string, memberIds: Set<string>): void {
    const size = memberIds.size;
    this.#client.cohortStorage.put({ cohortId, groupType: "User", size, memberIds });
  }

  /** The look-up alone. */
  cohortsOf(user: number, cohortIds: Set<string>): Set<string> {
    return this.#client.cohortStorage.getCohortsForUser(this.#users[user].user_id, cohortIds);
  }

  evaluate(user: number, flagKeys?: string[]): Answers {
    return this.#client.evaluateV2(this.#users[user], flagKeys);
  }

  /** Of any user; the client writes to it. */
  evaluateUser(user: User): Answers {
    return this.#client.evaluateV2(user);
  }
}

/** Halyard by lane: the build it chooses by itself, and the same core as JavaScript. */
export const HALYARDS = [
  ["Halyard", undefined],
  ["core as JS", "js"],
] as const satisfies readonly (readonly [string, Backend | undefined])[];

export type HalyardLane = (typeof HALYARDS)[number][0];

/** One workload, loaded by every lane. */
export interface Loaded {
  workload: Workload;
  keys: string[];
  oracle: Oracle;
  client: Client;
  halyards: Record<HalyardLane, Engine>;
}

export function loadLanes(workload: Workload): Loaded {
  const { flags } = workload;
  return {
    workload,
    // Names of properties, and so interned, as the literals are that a program asks with.
    keys: Object.keys(byKey(flags)),
    oracle: new Oracle(flags),
    client: new Client(workload),
    halyards: {
      Halyard: Engine.loadSync(flags),
      "core as JS": Engine.loadSync(flags, { backend: "js" }),
    },
  };
}
