// From options to deployments.

import { join } from "node:path";
import { Deployment } from "./deployment.ts";
import { Deployments } from "./deployments.ts";
import { FileSource } from "./files/file-source.ts";
import { FleetSource } from "./fleet/fleet-source.ts";
import { InlineSource } from "./inline-source.ts";
import { KeyRing, type Keys } from "./key-ring.ts";
import { clientLog, consoleLog } from "./log.ts";
import {
  type DeploymentOptions,
  type RedisOptions,
  ServiceDefaults,
  type ServiceOptions,
} from "./options.ts";
import { trackerOf } from "./request-tracker.ts";
import type { Source } from "./source.ts";
import { ofOneServer } from "./upstream-config.ts";
import { UpstreamSource, type UpstreamSourceOptions } from "./upstream-source.ts";

/** Of one deployment: in vain beside several, and keys among them would open nothing. */
const OWN_OPTIONS: readonly (keyof DeploymentOptions)[] = [
  ...(["name", "keys", "cohortKeys", "flags", "cohorts", "upstream"] as const),
  ...(["snapshotPath", "source", "exposureConfig", "assignmentConfig"] as const),
];

/** @throws Error for options that contradict each other */
export function deploymentsOf(options: ServiceOptions): Deployments {
  const all = options.deployments ?? [options];
  const stray = options.deployments && OWN_OPTIONS.find((name) => options[name] !== undefined);
  if (stray) throw new Error(`${stray}: expected it of one of the deployments, got it beside them`);
  if (options.redis && all.every(({ upstream }) => !upstream)) {
    throw new Error("redis: expected a deployment with an upstream, got none");
  }
  return new Deployments(all.map((one) => deploymentOf(one, options)));
}

function deploymentOf(options: DeploymentOptions, service: ServiceOptions): Deployment {
  const { name = ServiceDefaults.name } = options;
  const source = sourceOf(name, options, service);
  const keys = new KeyRing(keysOf(options));
  return new Deployment({ name, source, keys, tracker: trackerOf(name, options, service) });
}

/** Whoever may download flags and cohorts upstream may do it here, unless options say who may. */
export function keysOf({ keys, cohortKeys, upstream }: DeploymentOptions): Keys {
  const synced = upstream?.cohortSyncConfig;
  return {
    keys: keys ?? (upstream && [upstream.deploymentKey]),
    cohortKeys: cohortKeys ?? (synced && [synced]),
  };
}

function sourceOf(name: string, options: DeploymentOptions, service: ServiceOptions): Source {
  const { flags, upstream, source } = options;
  const given = [flags, upstream, source].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new Error(
      `deployment ${name}: expected one of flags, upstream and source, got ${given.length}`,
    );
  }
  if (options.cohorts !== undefined && typeof flags !== "string") {
    throw new Error(`deployment ${name}: expected cohorts beside files of flags, got them alone`);
  }
  if (source) return source;
  if (flags !== undefined && typeof flags !== "string")
    return new InlineSource(flags, service.shared);
  const { shared } = service;
  const log = clientLog(service.log ?? consoleLog, name);
  if (flags !== undefined) return new FileSource({ flags, cohorts: options.cohorts, shared, log });
  const { deploymentKey, ...others } = upstream!;
  const config = ofOneServer(others);
  const { snapshotPath = join(ServiceDefaults.snapshotPath, encodeURIComponent(name)) } = options;
  if (service.redis)
    return fleetOf(service.redis, { deploymentKey, config, snapshotPath, shared, log });
  return new UpstreamSource({ deploymentKey, config, snapshotPath, shared, log });
}

function fleetOf({ url, prefix }: RedisOptions, options: UpstreamSourceOptions): Source {
  const { config: upstream, log, ...others } = options;
  // A list of one is a cluster, too, of which one node is known.
  const cluster = typeof url !== "string";
  return new FleetSource({ ...others, ...log, redis: url, cluster, prefix, upstream });
}
