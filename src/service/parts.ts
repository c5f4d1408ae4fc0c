import type { Deployment } from "./deployment.ts";
import type { Deployments } from "./deployments.ts";
import type { Limits } from "./limits.ts";
import type { ServiceLog } from "./log.ts";
import type { Evaluation, Metrics } from "./metrics.ts";

/** Each counts one evaluation of a deployment. */
export type Counters = Record<Evaluation, () => void>;

/** What routes work with. */
export interface ServiceParts {
  deployments: Deployments;
  limits: Limits;
  metrics: Metrics;
  counters: ReadonlyMap<Deployment, Counters>;
  log: ServiceLog;
  streamKeepAliveMillis: number;
  /** Aborted when no more requests are to come. */
  closing: AbortSignal;
  /** In Prometheus' format; of all threads. */
  metricsText: () => Promise<string>;
  /** Whether there is a page for people. */
  hasPage: boolean;
}
