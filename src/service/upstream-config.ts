import { type LocalEvaluationConfig, type ResolvedConfig, resolveConfig } from "../local/config.ts";
import { flagHeaders } from "../local/flag-api.ts";

/** Where flags and cohorts are downloaded, and how often: as of a local client. */
export type UpstreamConfig = Pick<
  LocalEvaluationConfig,
  | "serverZone"
  | "serverUrl"
  | "streamUpdates"
  | "streamServerUrl"
  | "streamFlagConnTimeoutMillis"
  | "flagConfigPollingIntervalMillis"
  | "flagConfigPollerRequestTimeoutMillis"
  | "cohortSyncConfig"
  | "fetch"
  | "httpAgent"
>;

/** A server that is named has all there is, unless others are: they would get its keys. */
export function ofOneServer(config: UpstreamConfig): UpstreamConfig {
  const { serverUrl, cohortSyncConfig } = config;
  if (!serverUrl) return config;
  const cohorts = cohortSyncConfig && { cohortServerUrl: serverUrl, ...cohortSyncConfig };
  return { streamServerUrl: serverUrl, ...config, cohortSyncConfig: cohorts };
}

/**
 * A configuration with its defaults.
 *
 * @throws Error or TypeError for keys and addresses with which no server can be asked
 */
export function resolveUpstream(deploymentKey: string, config?: UpstreamConfig): ResolvedConfig {
  const resolved = resolveConfig(config);
  const { serverUrl, streamServerUrl, cohortSyncConfig } = resolved;
  const { cohortServerUrl, apiKey, secretKey } = cohortSyncConfig ?? {};
  if (!deploymentKey) throw new Error("deploymentKey: expected a text, got an empty one");
  flagHeaders(deploymentKey);
  if (cohortSyncConfig && !(apiKey && secretKey)) {
    throw new Error("cohortSyncConfig: expected apiKey and secretKey, got an empty one");
  }
  const addresses = Object.entries({ serverUrl, streamServerUrl, cohortServerUrl });
  for (const [name, address] of addresses) {
    if (address === undefined || isWeb(address)) continue;
    throw new Error(`${name}: expected an http or https address, got another text`);
  }
  return resolved;
}

function isWeb(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
