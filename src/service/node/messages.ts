// What the thread that has the sources and those that serve say to each other.

import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { EngineHandle } from "../../engine/index.ts";
import type { AssignmentConfig, ExposureConfig } from "../../tracking/config.ts";
import type { SourceNews } from "../guest-source.ts";
import type { Keys } from "../key-ring.ts";
import type { Limits } from "../limits.ts";
import type { Place } from "./http-server.ts";

export interface ThreadDeployment extends Keys {
  name: string;
  exposureConfig: ExposureConfig | undefined;
  assignmentConfig: AssignmentConfig | undefined;
  handle: EngineHandle;
  news: SourceNews;
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
  | { kind: "news"; deployment: number; news: SourceNews }
  | { kind: "measure"; id: number }
  /** undefined = they could not be had */
  | { kind: "measured"; id: number; text: string | undefined }
  | { kind: "close"; graceMillis: number };

export type FromThread =
  | { kind: "listening"; port: number; fd: number | undefined }
  /** The thread could not begin, or something in it has failed that nobody has caught. */
  | { kind: "failed"; code: string | undefined; message: string }
  | { kind: "measure"; id: number }
  | { kind: "measured"; id: number; metrics: ThreadMetrics }
  | { kind: "closed" };
