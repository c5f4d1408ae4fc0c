import { printable } from "../sdk/printable.ts";
import { ConfigFileError, readConfig } from "../service/node/config-file.ts";
import { type Serving, serve } from "../service/node/serve.ts";
import { ServeDefaults, type ServeOptions } from "../service/node/serve-options.ts";
import { exitCodes, UsageError } from "./errors.ts";
import type { ServeCommandOptions } from "./serve-options.ts";

type Environment = Readonly<Record<string, string | undefined>>;

function isZone(zone: string): zone is "us" | "eu" {
  return zone === "us" || zone === "eu";
}

/** Flags of a server deployment, as the environment says; undefined = it names none. */
function upstreamOf(environment: Environment): Pick<ServeOptions, "upstream"> | undefined {
  const { HALYARD_DEPLOYMENT_KEY: deploymentKey, HALYARD_SERVER_ZONE: zone } = environment;
  if (!deploymentKey) return undefined;
  const { HALYARD_API_KEY: apiKey, HALYARD_SECRET_KEY: secretKey } = environment;
  const cohortSyncConfig = apiKey && secretKey ? { apiKey, secretKey } : undefined;
  if (zone !== undefined && !isZone(zone)) {
    throw new UsageError(`HALYARD_SERVER_ZONE: expected us or eu, got "${zone}"`);
  }
  return { upstream: { deploymentKey, serverZone: zone, cohortSyncConfig } };
}

/** @throws {@link UsageError} if it is not said, or said twice, where flags are */
async function optionsOf(
  { config, flags, redis, ...given }: ServeCommandOptions,
  environment: Environment,
): Promise<ServeOptions> {
  const file = config === undefined ? {} : await readConfig(config, environment);
  const options: ServeOptions = { ...file, ...given };
  const url = redis ?? environment.HALYARD_REDIS_URL;
  if (url) options.redis = { ...options.redis, url };
  if (flags !== undefined) {
    if (options.deployments || options.upstream) {
      throw new UsageError("--flags: expected no deployments in the configuration, got some");
    }
    return { ...options, flags };
  }
  if (options.deployments || options.upstream || options.flags) return options;
  const upstream = upstreamOf(environment);
  if (upstream) return { ...options, ...upstream };
  throw new UsageError("expected --flags, --config or HALYARD_DEPLOYMENT_KEY, got none of them");
}

function curlOf({ url, deployments: [deployment] }: Serving): string {
  const address = `${url}/sdk/v2/vardata?user_id=user-1`;
  const key = deployment.keys.isOpen ? "" : " -H 'Authorization: Api-Key <your key>'";
  return `curl${key} '${address}'`;
}

function bannerOf(serving: Serving, options: ServeOptions): string {
  const { url, deployments, hasPage } = serving;
  const isOpen = deployments.some(({ keys }) => keys.isOpen);
  const lines = deployments.map(({ name, source }) => {
    const { state, engine } = source;
    const cohorts = state.cohorts.length > 0 ? `, ${state.cohorts.length} cohorts` : "";
    const prefix = deployments.length > 1 ? `${name}: ` : "";
    return `${prefix}${engine.flagKeys.length} flags${cohorts} from ${state.place}`;
  });
  const pages = [
    ...(hasPage ? [["page", `${url}/`]] : []),
    ["variants", `${url}/sdk/v2/vardata`],
    ["flags", `${url}/sdk/v2/flags`],
    ["OpenFeature", `${url}/ofrep/v1/evaluate/flags`],
    ["health", `${url}/readyz`],
    ["metrics", `${url}/metrics`],
  ];
  const width = Math.max(...pages.map(([name]) => name.length));
  const table = pages.map(([name, address]) => `  ${name.padEnd(width)}  ${address}`);
  const isPublic =
    isOpen && !["127.0.0.1", "::1", "localhost"].includes(options.host ?? ServeDefaults.host);
  const warning = isPublic ? ["No keys are configured: whoever reaches it may ask."] : [];
  return [...lines, ...table, ...warning, "Try:", `  ${curlOf(serving)}`, ""].join("\n");
}

/** Resolves with the first signal that is to end the process; others end it at once. */
function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.once(name, (signal) => {
        resolve(signal);
        // Whoever asks twice does not want to wait.
        process.on(name, () => process.exit(exitCodes.interrupted));
      });
    }
  });
}

function exitCodeOf(reason: NodeJS.Signals | Error): number {
  if (reason instanceof Error) return exitCodes.badInput;
  return reason === "SIGINT" ? exitCodes.interrupted : exitCodes.ok;
}

/** Runs `halyard serve` until it is ended by a signal, or by the loss of a thread. */
export async function serveCommand(given: ServeCommandOptions): Promise<void> {
  let options: ServeOptions;
  try {
    options = await optionsOf(given, process.env);
  } catch (error) {
    throw error instanceof ConfigFileError ? new UsageError(error.message) : error;
  }
  // A service goes on when whoever has read what it says is gone, or a disk is full.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const signal = signalled();
  const starting = serve(options).catch((error) => {
    throw portError(error, options);
  });
  // The first process of a container gets only signals that it asks for, and starting may take.
  const serving = await Promise.race([starting, signal]);
  if (typeof serving === "string") process.exit(exitCodeOf(serving));
  process.stdout.write(bannerOf(serving, options));
  const reason = await Promise.race([signal, serving.lost]);
  if (reason instanceof Error) {
    process.stderr.write(`halyard: a thread was lost: ${printable(reason.message)}\n`);
  }
  await serving.stop();
  // Threads and timers of a service that was told to end are not waited for.
  process.exit(exitCodeOf(reason));
}

function portError(error: NodeJS.ErrnoException, options: ServeOptions): Error {
  const { port = ServeDefaults.port, host = ServeDefaults.host } = options;
  const got: Record<string, string> = {
    EADDRINUSE: "one that is in use",
    EACCES: "one that needs more rights",
    EADDRNOTAVAIL: "an address that is not of this machine",
  };
  const reason = got[error.code ?? ""];
  return reason ? new Error(`${host}:${port}: expected a free port, got ${reason}`) : error;
}
