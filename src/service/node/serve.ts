import { collectDefaultMetrics } from "prom-client";
import { createService } from "../create-service.ts";
import type { Deployment } from "../deployment.ts";
import type { ServiceLog } from "../log.ts";
import type { Service } from "../service.ts";
import type { SourceState } from "../source.ts";
import { Crew } from "./crew.ts";
import { HttpServer } from "./http-server.ts";
import { makeLog } from "./log.ts";
import { ServeDefaults, type ServeOptions } from "./serve-options.ts";

/** A service that listens. */
export interface Serving {
  readonly url: string;
  readonly deployments: readonly Deployment[];
  /** Whether there is a page at `/`. */
  readonly hasPage: boolean;
  /** Resolves if a serving thread is lost: the service is to be stopped, and begun again. */
  readonly lost: Promise<Error>;
  /** Answers what has come, uploads what was tracked, and ends everything. */
  stop(): Promise<void>;
}

/**
 * Starts a service on Node: in this thread, or in others on its memory.
 *
 * @throws what {@link createService} does, what the first flags fail with, what `listen` does
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { workers = ServeDefaults.workers, logLevel = ServeDefaults.logLevel } = options;
  const { log = makeLog(logLevel) } = options;
  const isCrew = workers > 1;
  const service = createService({
    ...(isCrew ? untracked(options) : options),
    log,
    shared: isCrew,
  });
  try {
    for (const deployment of service.deployments) tellChanges(deployment, log);
    await service.start();
    return isCrew
      ? await serveInThreads(service, { ...options, workers, logLevel })
      : await serveHere(service, options);
  } catch (error) {
    await service.stop();
    throw error;
  }
}

/** Threads that serve track what they answer. */
function untracked(options: ServeOptions): ServeOptions {
  const nothing = { exposureConfig: undefined, assignmentConfig: undefined };
  const deployments = options.deployments?.map((one) => ({ ...one, ...nothing }));
  return { ...options, ...nothing, deployments };
}

/** Logs when others are live, and when flags become stale or are confirmed again. */
function tellChanges({ name, source }: Deployment, log: ServiceLog): void {
  let last: Pick<SourceState, "digest" | "isStale"> = { digest: undefined, isStale: false };
  let lastCohorts = "[]";
  const tell = () => {
    const { digest, isStale, lastError, cohorts } = source.state;
    const fields = { deployment: name, digest, flags: source.engine.flagKeys.length };
    if (digest !== last.digest) log.info(fields, "flags are live");
    const allCohorts = JSON.stringify(cohorts.map(({ path: _, ...cohort }) => cohort));
    if (allCohorts !== lastCohorts) {
      log.info({ deployment: name, cohorts: cohorts.length }, "cohorts are live");
    }
    lastCohorts = allCohorts;
    if (isStale && !last.isStale) log.warn({ ...fields, reason: lastError }, "flags are stale");
    if (!isStale && last.isStale) log.info(fields, "flags are no longer stale");
    last = { digest, isStale };
  };
  tell();
  source.onChange(tell);
}

function placeOf({ port = ServeDefaults.port, host = ServeDefaults.host }: ServeOptions) {
  return { port, host };
}

function urlOf({ host }: { host: string }, port: number): string {
  // Of all addresses of this machine: one that can be asked.
  if (host === "0.0.0.0" || host === "::") return `http://localhost:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function serveHere(service: Service, options: ServeOptions): Promise<Serving> {
  const { graceMillis = ServeDefaults.graceMillis } = options;
  const place = placeOf(options);
  collectDefaultMetrics({ register: service.metrics.registry });
  const server = await HttpServer.listen(service, place);
  return {
    url: urlOf(place, server.port),
    deployments: [...service.deployments],
    hasPage: service.hasPage,
    lost: new Promise(() => {}),
    stop: async () => {
      service.close();
      await server.drain(graceMillis);
      server.shut();
      await service.stop();
    },
  };
}

async function serveInThreads(
  service: Service,
  options: ServeOptions & { workers: number; logLevel: string },
): Promise<Serving> {
  const { workers: count, logLevel, graceMillis = ServeDefaults.graceMillis } = options;
  const place = placeOf(options);
  const { deployments } = service;
  let onLoss: (error: Error) => void = () => {};
  const lost = new Promise<Error>((resolve) => {
    onLoss = resolve;
  });
  const crew = await Crew.start({ service: options, deployments, count, place, logLevel, onLoss });
  return {
    url: urlOf(place, crew.port),
    deployments: [...deployments],
    hasPage: service.hasPage,
    lost,
    stop: async () => {
      // First, so that no socket of theirs gets the number of the one that ends with the threads.
      await service.stop();
      await crew.close(graceMillis);
    },
  };
}
