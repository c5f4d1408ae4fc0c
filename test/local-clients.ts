// Local clients, ours and Amplitude's, of one lane of a server; users, flags, and waiting.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { type EvaluationFlag, Experiment, type LocalEvaluationClient, LogLevel } from "halyard";
import { afterEach, expect } from "vitest";
import { flagOf, on } from "./agree.ts";
import type { FlagLane } from "./flag-server.ts";

type Amplitude = typeof import("@amplitude/experiment-node-server");
export const theirs = createRequire(import.meta.url)(
  "@amplitude/experiment-node-server",
) as Amplitude;

export const KEY = "server-deployment-key";
/** Milliseconds between polls: so many that there is none, and so few that there are many. */
export const RARELY = 600_000;
export const OFTEN = 20;

const used: { stop(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(used.splice(0).map((client) => client.stop()));
});

type Config = Parameters<typeof Experiment.initializeLocal>[1];

/** A client of its own, stopped after the test. */
export function ourClient(lane: FlagLane, config: Config = {}, key = KEY): LocalEvaluationClient {
  const { serverUrl, streamServerUrl } = lane.config;
  const client = Experiment.initializeLocal(key, {
    logLevel: LogLevel.Disable,
    serverUrl,
    streamServerUrl,
    flagConfigPollingIntervalMillis: RARELY,
    instanceName: lane.url,
    ...config,
  });
  used.push(client);
  return client;
}

export function theirClient(lane: FlagLane, config: object = {}, httpAgent?: unknown) {
  const { serverUrl, streamServerUrl } = lane.config;
  const client = new theirs.LocalEvaluationClient(KEY, {
    logLevel: LogLevel.Disable,
    serverUrl,
    streamServerUrl,
    flagConfigPollingIntervalMillis: RARELY,
    ...structuredClone(config),
    httpAgent: httpAgent as never,
  });
  used.push(client);
  return client;
}

/** Waits until something is so. */
export async function until(isSo: () => unknown): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`it never became so: ${isSo}`);
    await sleep(2);
  }
}

/** A flag that everybody gets. */
export function flagFor(key: string, variant = "on", more: object = {}): EvaluationFlag {
  return flagOf(key, [{ variant }], more);
}

/** A flag for the members of cohorts. */
export function cohortFlag(key: string, ...cohortIds: string[]): EvaluationFlag {
  const conditions = [[on("cohort_ids", "set contains any", ...cohortIds)]];
  return flagOf(key, [{ conditions, variant: "on" }, { variant: "off" }]);
}

export function variantKeys(client: LocalEvaluationClient, user_id = "u"): object {
  const variants = Object.entries(client.evaluateV2({ user_id }));
  return Object.fromEntries(variants.map(([flagKey, { key }]) => [flagKey, key]));
}

/** What a client dispatches, in order. */
export function eventsOf(client: LocalEvaluationClient): { type: string; detail: unknown }[] {
  const events: { type: string; detail: unknown }[] = [];
  for (const name of ["ready", "update", "error", "stale"] as const) {
    client.on(name, ({ type, detail }) => events.push({ type, detail }));
  }
  return events;
}

export function expectRunning(client: LocalEvaluationClient, isRunning: boolean): void {
  expect(client.status().isStarted).toBe(isRunning);
}
