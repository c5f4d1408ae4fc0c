import {
  type EvaluationVariant,
  type ExperimentUser,
  type Explanation,
  toContext,
  type Variants,
} from "../engine/index.ts";
import type { Tracker, TrackOptions } from "../tracking/tracker.ts";
import { FlagDocument } from "./flag-document.ts";
import type { KeyKind, KeyRing } from "./key-ring.ts";
import type { Source } from "./source.ts";

export interface DeploymentParts {
  name: string;
  source: Source;
  keys: KeyRing;
  /** undefined = nothing is tracked */
  tracker: Tracker | undefined;
}

/** "stale" = the flags should have been confirmed since, "not-ready" = there are none yet. */
export type DeploymentStatus = "ready" | "stale" | "not-ready";

/** A set of flags, with the keys that open it. */
export class Deployment {
  readonly name: string;
  readonly source: Source;
  readonly keys: KeyRing;
  readonly tracker: Tracker | undefined;
  #text: string | undefined;
  #documents: Partial<Record<KeyKind, FlagDocument>> = {};

  constructor({ name, source, keys, tracker }: DeploymentParts) {
    this.name = name;
    this.source = source;
    this.keys = keys;
    this.tracker = tracker;
  }

  /** Whether there are flags to answer with. */
  get isReady(): boolean {
    return this.source.flags !== undefined;
  }

  get status(): DeploymentStatus {
    if (!this.isReady) return "not-ready";
    return this.source.state.isStale ? "stale" : "ready";
  }

  /** Since the flags were known to be those of the source; undefined = there are none yet. */
  get ageMillis(): number | undefined {
    const { confirmedAt } = this.source.state;
    return confirmedAt === undefined ? undefined : Math.max(0, Date.now() - confirmedAt);
  }

  /**
   * All variants of a user. Nothing is tracked: see {@link track}.
   *
   * @throws `ContextError` for a user that is too large to be evaluated
   */
  evaluateAll(user: ExperimentUser): Variants {
    return this.source.engine.evaluateAll(toContext(user));
  }

  /** As {@link evaluateAll}, of some flags and of those that they depend on, as an object. */
  evaluate(user: ExperimentUser, flagKeys?: readonly string[]): Record<string, EvaluationVariant> {
    return this.source.engine.evaluate(toContext(user), flagKeys);
  }

  /**
   * What is answered to a user is tracked as the options say.
   *
   * @param results - called only if there is something to be tracked
   */
  track(
    user: ExperimentUser,
    results: () => Record<string, EvaluationVariant>,
    options: TrackOptions,
  ): void {
    if (this.tracker?.tracks(options)) this.tracker.track(user, results(), options);
  }

  /** Why a flag answers as it does; undefined if it does not exist. Nothing is tracked. */
  explain(user: ExperimentUser, flagKey: string): Explanation | undefined {
    return this.source.engine.explain(toContext(user), flagKey);
  }

  /** The flags that a key may download; undefined = there are none yet. */
  flagsFor(kind: KeyKind): FlagDocument | undefined {
    const { flags } = this.source;
    if (flags === undefined) return undefined;
    if (flags !== this.#text) {
      this.#text = flags;
      this.#documents = {};
    }
    this.#documents[kind] ??=
      kind === "client" ? FlagDocument.forClients(flags) : new FlagDocument(flags);
    return this.#documents[kind];
  }
}
