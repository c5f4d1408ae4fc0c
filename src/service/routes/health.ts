// What orchestrators and Prometheus ask.

import type { Deployment, DeploymentStatus } from "../deployment.ts";
import { UNCACHED } from "../headers.ts";
import type { ServiceParts } from "../parts.ts";
import type { Router } from "../router.ts";

const WORST_FIRST: readonly DeploymentStatus[] = ["not-ready", "stale", "ready"];

export function healthRoutes(router: Router, parts: ServiceParts): void {
  // As the evaluation proxy has it.
  router.get("/status", () => new Response("OK", { headers: UNCACHED }));

  router.get("/healthz", () => Response.json({ status: "ok" }, { headers: UNCACHED }));

  router.get("/readyz", () => {
    const { deployments, closing } = parts;
    const statuses = new Set(Array.from(deployments, (deployment) => deployment.status));
    const worst = WORST_FIRST.find((status) => statuses.has(status))!;
    const status = closing.aborted ? "closing" : worst;
    const body = { status, deployments: Array.from(deployments, stateOf) };
    const isReady = status === "ready" || status === "stale";
    return Response.json(body, { status: isReady ? 200 : 503, headers: UNCACHED });
  });

  router.get("/metrics", async () => {
    const headers = { "Content-Type": parts.metrics.registry.contentType, ...UNCACHED };
    return new Response(await parts.metricsText(), { headers });
  });
}

function stateOf(deployment: Deployment) {
  const { name, isReady, ageMillis, source } = deployment;
  const { kind, digest, isStale, lastError, warnings, cohorts, fleet } = source.state;
  return {
    name,
    isReady,
    isStale,
    source: kind,
    digest,
    flags: source.engine.flagKeys.length,
    cohorts: cohorts.length,
    warnings: warnings.length,
    ageSeconds: ageMillis && Math.round(ageMillis / 1000),
    lastError,
    fleet,
  };
}
