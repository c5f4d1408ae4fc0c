import type { ExperimentUser } from "../engine/index.ts";
import { Http } from "../sdk/http.ts";
import { type Log, reasonOf } from "../sdk/log.ts";
import { Analytics, type AnalyticsEvent, importAnalytics } from "./analytics.ts";
import { assignmentEvent } from "./assignment.ts";
import { CanonicalForm, type Results } from "./canonical.ts";
import { type AssignmentConfig, type ExposureConfig, TrackingDefaults } from "./config.ts";
import { Evaluation } from "./evaluation.ts";
import { countExposures, exposureEvents } from "./exposure.ts";
import { Filter } from "./filter.ts";
import { Sink } from "./sink.ts";

export interface TrackerConfig {
  /** Without it no exposures are tracked. */
  exposureConfig?: ExposureConfig;
  /** Without it no assignments are tracked. */
  assignmentConfig?: AssignmentConfig;
}

export interface TrackOptions {
  /** Whether the user is exposed to the flags now. Default: false. */
  tracksExposure?: boolean;
  /** Whether the assignment is tracked, if assignments are. Default: true. */
  tracksAssignment?: boolean;
}

/** How evaluations become events. */
interface Kind {
  name: string;
  count(evaluation: Evaluation): number;
  events(evaluation: Evaluation): readonly AnalyticsEvent[];
}

const ASSIGNMENTS: Kind = {
  name: "assignmentConfig",
  count: () => 1,
  events: (evaluation) => [assignmentEvent(evaluation)],
};

const EXPOSURES: Kind = { name: "exposureConfig", count: countExposures, events: exposureEvents };

/** Events of one kind: each evaluation is tracked once a day. */
class Channel {
  readonly sink: Sink;
  readonly #kind: Kind;
  readonly #hasProperties: boolean;
  readonly #filter: Filter;

  constructor(kind: Kind, config: AssignmentConfig, log: Log, http: Http) {
    const { apiKey, cacheCapacity, sendEvaluatedProps = false, ...options } = config;
    this.#kind = kind;
    this.#hasProperties = sendEvaluatedProps;
    this.#filter = new Filter(cacheCapacity ?? TrackingDefaults.cacheCapacity);
    this.sink = new Sink(kind.name, log, () => Analytics.open(apiKey, options, http));
  }

  track(user: ExperimentUser, results: Results, canonical: string): void {
    if (this.#filter.has(canonical)) return;
    try {
      const evaluation = new Evaluation(user, results, canonical, this.#hasProperties);
      const { timestamp } = evaluation;
      const count = this.#kind.count(evaluation);
      const events = () => this.#kind.events(evaluation);
      // What finds no room is tried again when the user is evaluated again.
      if (count > 0 && !this.sink.add({ count, timestamp, events })) return;
      this.#filter.add(canonical);
    } catch (error) {
      this.sink.drop(1, reasonOf(error));
    }
  }
}

/** Sends exposures and assignments to Amplitude; evaluation neither waits nor fails for it. */
export class Tracker {
  readonly #assignments: Channel | undefined;
  readonly #exposures: Channel | undefined;
  readonly #channels: readonly Channel[];
  readonly #canonical = new CanonicalForm();

  /**
   * Begins to load the analytics SDK if there is something to be tracked.
   *
   * @param log - the configured `apiKey`s are to be among its secrets
   * @param http - for uploads, unless there is a `transportProvider`
   */
  constructor({ exposureConfig, assignmentConfig }: TrackerConfig, log: Log, http = new Http({})) {
    if (assignmentConfig) this.#assignments = new Channel(ASSIGNMENTS, assignmentConfig, log, http);
    if (exposureConfig) this.#exposures = new Channel(EXPOSURES, exposureConfig, log, http);
    this.#channels = [this.#assignments, this.#exposures].filter((channel) => !!channel);
  }

  /** Events that are lost: no room, refused, or not uploaded before the end. */
  get dropped(): number {
    return this.#channels.reduce((sum, { sink }) => sum + sink.dropped, 0);
  }

  /**
   * Resolves when the analytics SDK has been imported. Tracks again after a {@link stop}.
   *
   * @throws an Error that says what to install
   */
  async start(): Promise<void> {
    for (const { sink } of this.#channels) sink.start();
    if (this.#channels.length > 0) await importAnalytics();
  }

  /** Whether {@link track} tracks anything with these options. */
  tracks(options?: TrackOptions | null): boolean {
    const { assignments, exposures } = this.#channelsFor(options);
    return (assignments ?? exposures) !== undefined;
  }

  #channelsFor(options: TrackOptions | null | undefined) {
    return {
      assignments: options?.tracksAssignment === false ? undefined : this.#assignments,
      exposures: options?.tracksExposure ? this.#exposures : undefined,
    };
  }

  /**
   * Tracks an evaluation unless the same one has been tracked within a day. Never throws.
   *
   * @param user - copied
   * @param results - as the engine gave them; not written to from now on
   */
  track(user: ExperimentUser, results: Results, options?: TrackOptions | null): void {
    const { assignments, exposures } = this.#channelsFor(options);
    const channel = assignments ?? exposures;
    if (!channel) return;
    try {
      if (!hasMembers(results)) return;
      const canonical = this.#canonical.of(user, results);
      assignments?.track(user, results, canonical);
      exposures?.track(user, results, canonical);
    } catch (error) {
      channel.sink.drop(1, reasonOf(error));
    }
  }

  /** Resolves when what has been tracked is uploaded or dropped, at the latest when told. */
  async flush(timeoutMillis: number): Promise<void> {
    await Promise.all(this.#channels.map(({ sink }) => sink.flush(timeoutMillis)));
  }

  /**
   * Uploads what it can in that time and drops the rest. Then there is no timer and no request;
   * nothing is tracked until {@link start}.
   */
  async stop(timeoutMillis: number): Promise<void> {
    await Promise.all(this.#channels.map(({ sink }) => sink.stop(timeoutMillis)));
  }
}

function hasMembers(results: Results): boolean {
  for (const _ in results) return true;
  return false;
}
