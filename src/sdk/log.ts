// Logging as Amplitude's server SDKs have it: a level, and a provider that writes.

/** What is logged; each level includes those before it. */
export const LogLevel = Object.freeze({
  Disable: 0,
  Error: 1,
  Warn: 2,
  Info: 3,
  Debug: 4,
  Verbose: 5,
});
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** Where log lines go. */
export interface LoggerProvider {
  error(message: string, ...optionalParams: unknown[]): void;
  warn(message: string, ...optionalParams: unknown[]): void;
  info(message: string, ...optionalParams: unknown[]): void;
  debug(message: string, ...optionalParams: unknown[]): void;
  verbose(message: string, ...optionalParams: unknown[]): void;
}

/** The console of the runtime. */
export class ConsoleLogger implements LoggerProvider {
  error(message: string, ...optionalParams: unknown[]): void {
    console.error(message, ...optionalParams);
  }

  warn(message: string, ...optionalParams: unknown[]): void {
    console.warn(message, ...optionalParams);
  }

  info(message: string, ...optionalParams: unknown[]): void {
    console.info(message, ...optionalParams);
  }

  debug(message: string, ...optionalParams: unknown[]): void {
    console.debug(message, ...optionalParams);
  }

  verbose(message: string, ...optionalParams: unknown[]): void {
    console.debug(message, ...optionalParams);
  }
}

export interface LogOptions {
  /** Default: `LogLevel.Error`. */
  logLevel?: LogLevel;
  /** Default: the console. */
  loggerProvider?: LoggerProvider;
  /** As `logLevel: LogLevel.Debug`. */
  debug?: boolean;
}

const SECRET = "[secret]";
const MESSAGE_PREFIX = "[Experiment] ";

/** Writes what the level lets through, without secrets; a provider that throws is passed over. */
export class Log {
  readonly #level: LogLevel;
  readonly #provider: LoggerProvider;
  readonly #secrets: readonly string[];

  /** @param secrets - texts that are never written: keys */
  constructor(options: LogOptions, secrets: readonly (string | undefined)[]) {
    this.#level = options.debug ? LogLevel.Debug : (options.logLevel ?? LogLevel.Error);
    this.#provider = options.loggerProvider ?? new ConsoleLogger();
    this.#secrets = secrets.filter((secret): secret is string => !!secret);
  }

  error(message: string, error?: unknown): void {
    if (this.#level >= LogLevel.Error) this.#write("error", message, error);
  }

  warn(message: string, error?: unknown): void {
    if (this.#level >= LogLevel.Warn) this.#write("warn", message, error);
  }

  info(message: string): void {
    if (this.#level >= LogLevel.Info) this.#write("info", message);
  }

  debug(message: string, error?: unknown): void {
    if (this.#level >= LogLevel.Debug) this.#write("debug", message, error);
  }

  verbose(message: string): void {
    if (this.#level >= LogLevel.Verbose) this.#write("verbose", message);
  }

  #write(level: keyof LoggerProvider, message: string, error?: unknown): void {
    const text = error === undefined ? message : `${message}: ${reasonOf(error)}`;
    try {
      this.#provider[level](MESSAGE_PREFIX + this.clean(text));
    } catch {
      // Nobody evaluates worse because a log line is lost.
    }
  }

  /** A text without secrets. */
  clean(text: string): string {
    return this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, SECRET), text);
  }
}

/** What an error says, with what caused it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, cause } = error;
  const text = message ? `${name}: ${message}` : name;
  return cause === undefined ? text : `${text} (${reasonOf(cause)})`;
}
