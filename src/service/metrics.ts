import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Deployment } from "./deployment.ts";

/** Seconds: an evaluation takes far less than a millisecond, a large download many. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/** Others, which clients may invent, are counted as one. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "OPTIONS"]);

/** What a user is evaluated for. */
export type Evaluation = "variants" | "ofrep" | "explanation";

/** What Prometheus is told. Names and labels: docs/service.md. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"route" | "method" | "status">;
  readonly #seconds: Histogram<"route" | "method">;
  readonly #evaluations: Counter<"deployment" | "kind">;
  readonly #streams: Gauge;
  #streamCount = 0;

  constructor() {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: "halyard_requests_total",
      help: "Requests answered",
      labelNames: ["route", "method", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "halyard_request_seconds",
      help: "Seconds until an answer was ready",
      labelNames: ["route", "method"],
      buckets: BUCKETS,
      registers,
    });
    this.#evaluations = new Counter({
      name: "halyard_evaluations_total",
      help: "Users evaluated",
      labelNames: ["deployment", "kind"],
      registers,
    });
    this.#streams = new Gauge({
      name: "halyard_streams",
      help: "Streams of flags that are open",
      registers,
    });
  }

  /** Counts the answers of a route; found once, as finding labels costs more than counting. */
  requestOf(route: string, method: string): (status: number, millis: number) => void {
    const seconds = this.#seconds.labels({ route, method });
    const counters = new Map<number, Counter.Internal>();
    return (status, millis) => {
      let counter = counters.get(status);
      if (!counter) {
        counter = this.#requests.labels({ route, method, status: String(status) });
        counters.set(status, counter);
      }
      counter.inc();
      seconds.observe(millis / 1000);
    };
  }

  /** As {@link requestOf}, for requests that no route takes. */
  request(route: string, method: string, status: number, millis: number): void {
    this.requestOf(route, METHODS.has(method) ? method : "other")(status, millis);
  }

  /** Counts evaluations of a deployment. */
  evaluationsOf({ name }: Deployment, kind: Evaluation): () => void {
    const counter = this.#evaluations.labels({ deployment: name, kind });
    return () => counter.inc();
  }

  get streams(): number {
    return this.#streamCount;
  }

  streamOpened(): void {
    this.#streams.set(++this.#streamCount);
  }

  streamClosed(): void {
    this.#streams.set(--this.#streamCount);
  }

  /** What is only asked for when metrics are read. */
  watch(deployments: Iterable<Deployment>): void {
    const all = [...deployments];
    this.#gauge("halyard_flags", "Flags that are live", all, ({ source }) => {
      return source.engine.flagKeys.length;
    });
    this.#gauge("halyard_config_age_seconds", "Since the flags were confirmed", all, (it) => {
      return it.ageMillis === undefined ? undefined : it.ageMillis / 1000;
    });
    this.#gauge("halyard_config_stale", "1 = the flags should have been confirmed", all, (it) => {
      return Number(it.source.state.isStale);
    });
    this.#gauge("halyard_source_error", "1 = flags or cohorts could not be had last", all, (it) => {
      return Number(it.source.state.lastError !== undefined);
    });
    this.#gauge("halyard_ready", "1 = there are flags to answer with", all, (deployment) => {
      return Number(deployment.isReady);
    });
    this.#gauge("halyard_memory_bytes", "Of flags and cohorts", all, ({ source }) => {
      return source.engine.memoryBytes;
    });
    const dropped = ({ tracker }: Deployment) => tracker?.dropped ?? 0;
    this.#gauge("halyard_dropped_events", "Events of tracking that were lost", all, dropped, "sum");
    this.#gauge("halyard_fleet_leader", "1 = this instance downloads", all, ({ source }) => {
      const { fleet } = source.state;
      return fleet && Number(fleet.role === "leader");
    });
    this.#gauge("halyard_fleet_connected", "1 = Redis answers", all, ({ source }) => {
      const { fleet } = source.state;
      return fleet && Number(fleet.isConnected);
    });
    this.#cohorts(all);
  }

  #gauge(
    name: string,
    help: string,
    deployments: readonly Deployment[],
    read: (deployment: Deployment) => number | undefined,
    // All threads see the same.
    aggregator: "max" | "sum" = "max",
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ["deployment"],
      aggregator,
      registers: [this.registry],
      collect: () => {
        for (const deployment of deployments) {
          const value = read(deployment);
          if (value !== undefined) gauge.set({ deployment: deployment.name }, value);
        }
      },
    });
  }

  #cohorts(deployments: readonly Deployment[]): void {
    const gauge = new Gauge({
      name: "halyard_cohort_members",
      help: "Members of a cohort",
      labelNames: ["deployment", "cohort"],
      aggregator: "max",
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        for (const { name, source } of deployments) {
          for (const { cohortId, size } of source.state.cohorts) {
            gauge.set({ deployment: name, cohort: cohortId }, size);
          }
        }
      },
    });
  }
}
