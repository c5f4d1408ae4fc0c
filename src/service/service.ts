/// <reference lib="esnext.disposable" preserve="true" />
import type { Hono } from "hono";
import { PREFLIGHT } from "./cors.ts";
import type { Deployment } from "./deployment.ts";
import type { Deployments } from "./deployments.ts";
import { type Limits, limitsOf } from "./limits.ts";
import { consoleLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { ServiceDefaults, type ServiceOptions } from "./options.ts";
import type { Counters, ServiceParts } from "./parts.ts";
import { Router } from "./router.ts";
import { cohortRoutes } from "./routes/cohorts.ts";
import { flagRoutes } from "./routes/flags.ts";
import { healthRoutes } from "./routes/health.ts";
import { ofrepRoutes } from "./routes/ofrep.ts";
import { pageRoutes } from "./routes/page.ts";
import { streamRoutes } from "./routes/stream.ts";
import { vardataRoutes } from "./routes/vardata.ts";

/** What serves, apart from where flags come from. */
export interface ServiceSetup
  extends Pick<ServiceOptions, "limits" | "log" | "ui" | "streamKeepAliveMillis"> {
  deployments: Deployments;
  /** Default: of this service alone. */
  metricsText?: () => Promise<string>;
}

/** What uploading what was tracked gets at the end. */
export const FLUSH_MILLIS = 10_000;

const ROUTES = [
  ...[vardataRoutes, ofrepRoutes, flagRoutes, streamRoutes, cohortRoutes],
  ...[healthRoutes, pageRoutes],
];

/** An evaluation service: answers requests, wherever they come from. */
export class Service {
  /** To be mounted in another Hono app. */
  readonly app: Hono;
  readonly deployments: Deployments;
  readonly metrics: Metrics;
  readonly limits: Limits;
  /** Whether there is a page for people at `/`. */
  readonly hasPage: boolean;
  readonly #closing = new AbortController();

  /** @internal use `createService` */
  constructor(setup: ServiceSetup) {
    const { deployments, limits, log = consoleLog } = setup;
    const metrics = new Metrics();
    const router = new Router(log, metrics);
    const all = [...deployments];
    metrics.watch(all);
    const parts: ServiceParts = {
      deployments,
      limits: limitsOf(limits),
      metrics,
      counters: new Map(all.map((deployment) => [deployment, countersOf(metrics, deployment)])),
      log,
      streamKeepAliveMillis: setup.streamKeepAliveMillis ?? ServiceDefaults.streamKeepAliveMillis,
      closing: this.#closing.signal,
      metricsText: setup.metricsText ?? (() => metrics.registry.metrics()),
      hasPage: setup.ui ?? all.every(({ keys }) => keys.isOpen),
    };
    router.options("*", () => new Response(null, { status: 204, headers: PREFLIGHT }));
    for (const routes of ROUTES) routes(router, parts);
    this.app = router.app;
    this.deployments = deployments;
    this.metrics = metrics;
    this.limits = parts.limits;
    this.hasPage = parts.hasPage;
  }

  /** Answers a request. Bound: it can be handed on. */
  readonly fetch = (request: Request): Response | Promise<Response> => this.app.fetch(request);

  /**
   * Begins to have flags; resolves when those that can be had are live.
   *
   * @throws what only other options can mend, such as a flags file that is none
   */
  async start(): Promise<void> {
    await Promise.all(
      Array.from(this.deployments, async ({ source, tracker }) => {
        await Promise.all([source.start(), tracker?.start()]);
      }),
    );
  }

  /** Streams end, and `/readyz` says so; requests are still answered. */
  close(): void {
    this.#closing.abort();
  }

  /** Ends everything, after what was tracked is uploaded, for at most 10 s. */
  async stop(): Promise<void> {
    this.close();
    await Promise.all(
      Array.from(this.deployments, async ({ source, tracker }) => {
        await Promise.all([source.stop(), tracker?.stop(FLUSH_MILLIS)]);
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function countersOf(metrics: Metrics, deployment: Deployment): Counters {
  return {
    variants: metrics.evaluationsOf(deployment, "variants"),
    ofrep: metrics.evaluationsOf(deployment, "ofrep"),
    explanation: metrics.evaluationsOf(deployment, "explanation"),
  };
}
