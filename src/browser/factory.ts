import { AmplitudeIntegrationPlugin } from "./amplitude-plugin.ts";
import { ExperimentClient } from "./client.ts";
import { Defaults, type ExperimentConfig } from "./config.ts";
import { connectorOf } from "./connector.ts";
import { DefaultUserProvider } from "./default-user-provider.ts";

const IDENTITY_MILLIS = 10_000;

const clients = new Map<string, ExperimentClient>();

/**
 * The client of a deployment. Called again with the same key and `instanceName` it gives the same
 * client, whatever the configuration says.
 */
export function initialize(apiKey: string, config?: ExperimentConfig | null): ExperimentClient {
  return clientOf(apiKey, config, () => {});
}

/**
 * As {@link initialize}, connected with the instance of Amplitude's analytics SDK of the same name:
 * that says who the user is, and sends exposures. Fetches wait for it, for at most 10 s.
 */
export function initializeWithAmplitudeAnalytics(
  apiKey: string,
  config?: ExperimentConfig | null,
): ExperimentClient {
  return clientOf(apiKey, config, (client) => {
    const connector = connectorOf(instanceNameOf(config));
    client.addPlugin(new AmplitudeIntegrationPlugin(apiKey, connector, IDENTITY_MILLIS));
  });
}

/** Makes clients: one for each deployment key and `instanceName`. */
export const Experiment = Object.freeze({ initialize, initializeWithAmplitudeAnalytics });

function instanceNameOf(config: ExperimentConfig | null | undefined): string {
  return config?.instanceName || Defaults.instanceName;
}

function clientOf(
  apiKey: string,
  config: ExperimentConfig | null | undefined,
  connect: (client: ExperimentClient) => void,
): ExperimentClient {
  const name = `${instanceNameOf(config)}.${apiKey}`;
  let client = clients.get(name);
  if (client) return client;
  const userProvider = new DefaultUserProvider(config?.userProvider, apiKey ?? "");
  client = new ExperimentClient(apiKey, { ...config, userProvider });
  connect(client);
  clients.set(name, client);
  return client;
}
