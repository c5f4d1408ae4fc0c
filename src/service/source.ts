import type { Engine, EngineWarning } from "../engine/index.ts";

/** A cohort that is live, and the file in which its members are. Can be posted to a thread. */
export interface CohortFile {
  readonly cohortId: string;
  /** "User", or the type of the groups that are its members. */
  readonly groupType: string;
  /** Distinct members. */
  readonly size: number;
  /**
   * When the members last changed, in ms since 1970; other members have another time. A file that
   * does not say, with "lines" or a list, is not newer than this.
   */
  readonly lastModified: number;
  /** May be replaced at any time: then there is a newer one with another path or time. */
  readonly path: string;
  /** "json" = as Amplitude's cohort server sends it, or a list of ids; "lines" = an id a line. */
  readonly format: "json" | "lines";
}

/** Of several service processes that share a Redis: what this one is and knows. */
export interface FleetState {
  /** The leader downloads and publishes; all follow what is published. */
  readonly role: "leader" | "follower";
  readonly isConnected: boolean;
  /** Number of the publication that is live here; undefined = none of this Redis. */
  readonly publication: number | undefined;
}

/** How a source is doing. Can be posted to a thread. */
export interface SourceState {
  readonly kind: "inline" | "file" | "upstream" | "fleet";
  /** Where it is from, for people: a path or an address, without keys. */
  readonly place: string;
  /** Of the flags that are live: 16 hexadecimal digits; undefined = there were none yet. */
  readonly digest: string | undefined;
  /** When they were last known to be those of the source, in ms since 1970. */
  readonly confirmedAt: number | undefined;
  /** Whether they should have been confirmed since, or a newer edit cannot be used. */
  readonly isStale: boolean;
  /** Why the last attempt to have flags or cohorts failed; undefined = it did not. */
  readonly lastError: string | undefined;
  /** What is wrong with single flags, which cohorts are missing. */
  readonly warnings: readonly EngineWarning[];
  readonly cohorts: readonly CohortFile[];
  readonly fleet?: FleetState;
}

/** Where a deployment's flags and cohorts come from. */
export interface Source {
  /** Has the live flags and cohorts, and always did: it is never replaced. */
  readonly engine: Engine;
  /** The live flags as JSON, a list; undefined = there were none yet. */
  readonly flags: string | undefined;
  readonly state: SourceState;
  /**
   * Of a memory that another thread writes: resolves when {@link flags} are those of the engine's
   * last answer, or it has taken too long. Undefined = they are.
   */
  catchUp?(): Promise<void> | undefined;
  /**
   * Resolves when the first flags are live or cannot be had for now; then it goes on trying, until
   * {@link stop}.
   *
   * @throws what only another configuration can mend
   */
  start(): Promise<void>;
  /** Ends all timers, requests and watchers; the last flags stay. */
  stop(): Promise<void>;
  /**
   * Calls back when {@link flags} or {@link state} may have changed; answers how to end that. A
   * listener that throws ends nothing.
   */
  onChange(listener: () => void): () => void;
}
