import { Log } from "../sdk/log.ts";
import { Tracker } from "../tracking/tracker.ts";
import { clientLog, consoleLog } from "./log.ts";
import type { DeploymentOptions, ServiceOptions } from "./options.ts";

/** Tracks what requests of a deployment say; undefined = there is nothing to be tracked. */
export function trackerOf(
  name: string,
  { exposureConfig, assignmentConfig }: DeploymentOptions,
  { log = consoleLog }: Pick<ServiceOptions, "log">,
): Tracker | undefined {
  if (!exposureConfig && !assignmentConfig) return undefined;
  const secrets = [exposureConfig?.apiKey, assignmentConfig?.apiKey];
  return new Tracker({ exposureConfig, assignmentConfig }, new Log(clientLog(log, name), secrets));
}
