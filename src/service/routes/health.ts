// What orchestrators and Prometheus ask.

import type { Deployment } from "../deployment.ts";
import type { Router } from "../router.ts";
import type { ServiceParts } from "../service.ts";

const UNCACHED = { "Cache-Control": "no-store" };

export function healthRoutes(router: Router, parts: ServiceParts): void {
  // As the evaluation proxy has it.
  router.get("/status", () => new Response("OK", { headers: UNCACHED }));

  router.get("/healthz", () => Response.json({ status: "ok" }, { headers: UNCACHED }));

  router.get("/readyz", () => {
    const { deployments, closing } = parts;
    const states = Array.from(deployments, stateOf);
    const isReady = states.every((state) => state.isReady) && !closing.aborted;
    const hasStale = states.some((state) => state.isStale);
    const usable = hasStale ? "stale" : "ready";
    const status = closing.aborted ? "closing" : isReady ? usable : "not-ready";
    const body = { status, deployments: states };
    return Response.json(body, { status: isReady ? 200 : 503, headers: UNCACHED });
  });

  router.get("/metrics", async () => {
    const headers = { "Content-Type": parts.metrics.registry.contentType, ...UNCACHED };
    return new Response(await parts.metricsText(), { headers });
  });
}

function stateOf(deployment: Deployment) {
  const { name, isReady, source } = deployment;
  const { kind, digest, confirmedAt, isStale, lastError, warnings, cohorts, fleet } = source.state;
  return {
    name,
    isReady,
    isStale,
    source: kind,
    digest,
    flags: source.engine.flagKeys.length,
    cohorts: cohorts.length,
    warnings: warnings.length,
    ageSeconds: confirmedAt && Math.round((Date.now() - confirmedAt) / 1000),
    lastError,
    fleet,
  };
}
