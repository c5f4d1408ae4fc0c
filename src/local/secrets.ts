import type { ResolvedConfig } from "./config.ts";

/** What no log line may have in it: keys, and what requests carry of them. */
export function secretsOf(deploymentKey: string, config: ResolvedConfig): string[] {
  const { cohortSyncConfig, exposureConfig, assignmentConfig } = config;
  const { apiKey, secretKey } = cohortSyncConfig ?? {};
  const keys = [deploymentKey, apiKey, secretKey, exposureConfig?.apiKey, assignmentConfig?.apiKey];
  if (cohortSyncConfig) keys.push(Buffer.from(`${apiKey}:${secretKey}`).toString("base64"));
  // One that begins with another would be left with its end.
  return keys.filter((key) => !!key).sort((a, b) => b!.length - a!.length) as string[];
}
