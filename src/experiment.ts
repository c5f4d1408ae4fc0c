import { LocalEvaluationClient } from "./local/client.ts";
import type { LocalEvaluationConfig } from "./local/config.ts";
import { RemoteEvaluationClient } from "./remote/client.ts";
import type { RemoteEvaluationConfig } from "./remote/config.ts";

const locals = new Map<string, LocalEvaluationClient>();
const remotes = new Map<string, RemoteEvaluationClient>();

interface Named {
  instanceName?: string;
}

function instanceKey(deploymentKey: string, config: Named | null | undefined): string {
  return JSON.stringify([deploymentKey, config?.instanceName]);
}

/** Makes clients: one for each deployment key and `instanceName`. */
export const Experiment = Object.freeze({
  /**
   * The client that evaluates here; to be started. Called again with the same key and
   * `instanceName` it gives the same client, whatever the configuration says.
   *
   * @throws Error if the key is empty
   */
  initializeLocal(
    deploymentKey: string,
    config?: LocalEvaluationConfig | null,
  ): LocalEvaluationClient {
    const key = instanceKey(deploymentKey, config);
    let client = locals.get(key);
    if (!client) {
      client = new LocalEvaluationClient(deploymentKey, config);
      locals.set(key, client);
    }
    return client;
  },

  /** The client that has a server evaluate; as {@link Experiment.initializeLocal}. */
  initializeRemote(deploymentKey: string, config?: RemoteEvaluationConfig): RemoteEvaluationClient {
    const key = instanceKey(deploymentKey, config);
    let client = remotes.get(key);
    if (!client) {
      client = new RemoteEvaluationClient(deploymentKey, config);
      remotes.set(key, client);
    }
    return client;
  },

  /** @deprecated use {@link Experiment.initializeRemote} */
  initialize(deploymentKey: string, config?: RemoteEvaluationConfig): RemoteEvaluationClient {
    return Experiment.initializeRemote(deploymentKey, config);
  },
});
