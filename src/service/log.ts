import { type LoggerProvider, LogLevel, type LogOptions } from "../sdk/log.ts";

type Write = (fields: Readonly<Record<string, unknown>>, message?: string) => void;

/** Structured logs, as pino writes them; neither keys nor users are among the fields. */
export interface ServiceLog {
  error: Write;
  warn: Write;
  info: Write;
  debug: Write;
}

const nothing: Write = () => {};

/** For services that are not given another: errors and warnings go to the console. */
export const consoleLog: ServiceLog = {
  error: (fields, message) => console.error(`halyard: ${message ?? ""}`, fields),
  warn: (fields, message) => console.warn(`halyard: ${message ?? ""}`, fields),
  info: nothing,
  debug: nothing,
};

/** Options of a client whose lines go to a service's log, as those of a deployment. */
export function clientLog(
  log: ServiceLog,
  deployment: string,
): Required<Pick<LogOptions, "logLevel" | "loggerProvider">> {
  const fields = { deployment };
  const provider: LoggerProvider = {
    error: (message) => log.error(fields, message),
    warn: (message) => log.warn(fields, message),
    info: (message) => log.info(fields, message),
    debug: (message) => log.debug(fields, message),
    verbose: (message) => log.debug(fields, message),
  };
  return { logLevel: LogLevel.Debug, loggerProvider: provider };
}
