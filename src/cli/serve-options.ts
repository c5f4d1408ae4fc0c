import { Option } from "commander";
import { LOG_LEVELS, ServeDefaults, type ServeOptions } from "../service/node/serve-options.ts";
import { UsageError } from "./errors.ts";

/** What `halyard serve` was asked to do. */
export interface ServeCommandOptions {
  flags?: string;
  cohorts?: string;
  config?: string;
  port?: number;
  host?: string;
  workers?: number;
  redis?: string;
  ui?: boolean;
  logLevel?: ServeOptions["logLevel"];
}

function wholeNumber(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new UsageError(`${name}: expected a whole number from ${min} to ${max}, got "${text}"`);
  };
}

const PORT_MAX = 65_535;
const WORKERS_MAX = 256;

/** The command's options, for its help too. */
export const serveOptions: readonly Option[] = [
  new Option("--flags <path>", "a JSON file of flags, or a directory of such; watched"),
  new Option("--cohorts <path>", "a directory of cohorts; watched"),
  new Option("--config <file>", "deployments and everything else, in YAML or JSON"),
  new Option("--port <number>", `default ${ServeDefaults.port}`).argParser(
    wholeNumber("--port", 0, PORT_MAX),
  ),
  new Option("--host <address>", `default ${ServeDefaults.host}`),
  new Option("--workers <number>", "threads that serve").argParser(
    wholeNumber("--workers", 1, WORKERS_MAX),
  ),
  new Option("--redis <url>", "share flags and cohorts with other processes"),
  new Option("--ui", "the page at /, also when keys are needed"),
  new Option("--no-ui", "no page at /"),
  new Option("--log-level <level>", "default info; lines go to standard error").choices(LOG_LEVELS),
];
