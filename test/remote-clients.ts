// Remote clients, ours and Amplitude's, of one lane of a server.
import { createRequire } from "node:module";
import { RemoteEvaluationClient } from "../src/remote/client.ts";
import { LogLevel } from "../src/sdk/log.ts";
import type { Lane } from "./evaluation-server.ts";

type Amplitude = typeof import("@amplitude/experiment-node-server");
export const theirs = createRequire(import.meta.url)(
  "@amplitude/experiment-node-server",
) as Amplitude;

export const KEY = "server-deployment-key";

/** Retries of clients that are not told otherwise. */
export const RETRIES = 3;
const CONFIG = {
  logLevel: LogLevel.Disable,
  fetchRetries: RETRIES,
  fetchRetryBackoffMinMillis: 1,
  fetchRetryBackoffMaxMillis: 2,
};

/** Both clients, for anything that a caller may hand them. */
export interface Client {
  fetchV2(user: unknown, options?: unknown): Promise<unknown>;
  fetch(user: unknown, options?: unknown): Promise<unknown>;
}

export function ourClient(lane: Lane, config: object = {}, key = KEY): Client {
  return new RemoteEvaluationClient(key, { ...CONFIG, serverUrl: lane.url, ...config }) as Client;
}

export function theirClient(lane: Lane, config: object = {}, key = KEY): Client {
  const all: object = { ...CONFIG, serverUrl: lane.url, ...config };
  return new theirs.RemoteEvaluationClient(key, all) as unknown as Client;
}

/** What a caller sees: variants, a status, or another error. */
export async function outcomeOf(variants: Promise<unknown>): Promise<unknown> {
  try {
    return await variants;
  } catch (error) {
    return (error as { statusCode?: number }).statusCode ?? "error";
  }
}
