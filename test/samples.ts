// Runs a sample on Halyard and on Amplitude's Node SDK, against servers of loopback.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import * as halyard from "halyard";
import { expect } from "vitest";
import type { Lane } from "./evaluation-server.ts";

type Sdk = typeof halyard;
const theirs = createRequire(import.meta.url)("@amplitude/experiment-node-server") as Sdk;

/** What is added to the configurations of the samples: where the servers are. */
export interface Servers {
  /** Of any client; tells the clients of samples apart, which all have one key. */
  api: { instanceName: string; serverUrl: string };
  cohorts: { cohortServerUrl: string };
  analytics: { serverUrl: string; flushIntervalMillis: number };
}

export type Sample<Result> = (sdk: Sdk, servers: Servers) => Result | Promise<Result>;

type Event = Record<string, unknown>;

export interface Run<Result> {
  result: Result;
  /** Requests for flags, variants and cohorts; each once, for how often is no part of a sample. */
  requests: string[];
  events: Event[];
}

/** One client's part of a server. */
type Target = Pick<Lane, "url" | "requests">;

export interface SampleOptions {
  /** Events to wait for. */
  count?: number;
}

const UPLOAD = "/2/httpapi";

function eventsOf({ requests }: Target): Event[] {
  const uploads = requests.filter(({ path }) => path === UPLOAD);
  const events = uploads.flatMap(({ body }): Event[] => JSON.parse(body).events);
  const meant = events.map((event) => {
    const { event_type, user_id, device_id, event_properties, user_properties } = event;
    const { groups, insert_id } = event;
    return { event_type, user_id, device_id, event_properties, user_properties, groups, insert_id };
  });
  return meant.sort((a, b) => (String(a.insert_id) < String(b.insert_id) ? -1 : 1));
}

async function run<Result>(
  target: Target,
  sample: Sample<Result>,
  sdk: Sdk,
  { count = 0 }: SampleOptions,
): Promise<Run<Result>> {
  const { url } = target;
  const result = await sample(sdk, {
    api: { instanceName: url, serverUrl: url },
    cohorts: { cohortServerUrl: url },
    analytics: { serverUrl: url + UPLOAD, flushIntervalMillis: 10 },
  });
  for (let i = 0; i < 200 && eventsOf(target).length < count; i++) await sleep(20);
  const requests = target.requests
    .filter(({ path }) => path !== UPLOAD)
    .map(({ method, path, headers }) => `${method} ${path} ${headers.authorization}`);
  return { result, requests: [...new Set(requests)].sort(), events: eventsOf(target) };
}

/**
 * Runs a sample with both; expects the same of them.
 *
 * @param open - a part of a server for each of the two
 */
export async function runBoth<Result>(
  open: () => Target,
  sample: Sample<Result>,
  options: SampleOptions = {},
): Promise<Run<Result>> {
  const ours = await run(open(), sample, halyard, options);
  expect(ours).toEqual(await run(open(), sample, theirs, options));
  return ours;
}
