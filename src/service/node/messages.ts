// What the thread that has the sources and those that serve say to each other.

import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { EngineHandle } from "../../engine/index.ts";
import type { AssignmentConfig, ExposureConfig } from "../../tracking/config.ts";
import type { Publication } from "../guest-source.ts";
import type { CohortKeys, DeploymentKey } from "../key-ring.ts";
import type { Limits } from "../limits.ts";
import type { Place } from "./http-server.ts";

export interface ThreadDeployment {
  name: string;
  keys: readonly (string | DeploymentKey)[] | undefined;
  cohortKeys: readonly CohortKeys[] | undefined;
  exposureConfig: ExposureConfig | undefined;
  assignmentConfig: AssignmentConfig | undefined;
  handle: EngineHandle;
  publication: Publication;
}

/** What a serving thread begins with. */
export interface ThreadData {
  deployments: readonly ThreadDeployment[];
  place: Place;
  limits: Partial<Limits> | undefined;
  ui: boolean | undefined;
  streamKeepAliveMillis: number | undefined;
  logLevel: string;
}

export type ThreadMetrics = MetricObjectWithValues<MetricValue<string>>[];

export type ToThread =
  | { kind: "publication"; deployment: number; publication: Publication }
  | { kind: "measure"; id: number }
  | { kind: "measured"; id: number; text: string }
  | { kind: "close"; graceMillis: number };

export type FromThread =
  | { kind: "listening"; port: number; fd: number | undefined }
  | { kind: "failed"; code: string | undefined; message: string }
  | { kind: "measure"; id: number }
  | { kind: "measured"; id: number; metrics: ThreadMetrics }
  | { kind: "closed" };
