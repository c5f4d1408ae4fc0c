import { Cluster, Redis, type RedisCommander, ReplyError } from "ioredis";

export interface RedisLinkOptions {
  redis: string | readonly string[];
  cluster: boolean;
  /** For one command, and for connecting. */
  timeoutMillis: number;
}

/** No answer could be had of Redis. */
export class RedisAway extends Error {
  override readonly name = "RedisAway";
}

const RETRY_MIN_MILLIS = 100;
const RETRY_MAX_MILLIS = 2_000;
const REDIRECTIONS_MAX = 4;
/** Silence after which a connection is given up, in time limits of a command. */
const SILENCE = 2;
/** A Redis that hangs does not end a connection: then it is cut. */
const GOODBYE_MILLIS = 100;
const TIMED_OUT = "Command timed out";

function retryMillis(times: number): number {
  const millis = Math.min(RETRY_MIN_MILLIS * 2 ** Math.min(times - 1, 10), RETRY_MAX_MILLIS);
  return millis * (0.75 + Math.random() / 2);
}

/** The connection to Redis: it is made again for ever, and a command waits for it only briefly. */
export class RedisLink {
  /** Its address, without user and password. */
  readonly place: string;
  readonly #client: Redis | Cluster;
  /** Why there is no connection. */
  #reason: unknown;

  /** @throws TypeError for what is no address */
  constructor(options: RedisLinkOptions) {
    const urls = [options.redis].flat().map(urlOf);
    if (urls.length === 0) throw new TypeError("redis: expected an address, got none");
    this.place = urls.map(placeOf).join(", ");
    const isCluster = options.cluster || urls.length > 1;
    this.#client = isCluster ? clusterOf(urls, options) : redisOf(urls[0], options);
    this.#client.on("error", (error) => {
      this.#reason = error;
    });
    this.#client.on("ready", () => {
      this.#reason = undefined;
    });
  }

  /** Begins to connect; resolves when that has succeeded or failed for the first time. */
  async open(): Promise<void> {
    const failed = new Promise<void>((resolve) => {
      // A Cluster that answers and has lost slots never says that it is not connected.
      for (const name of ["error", "close"]) this.#client.once(name, () => resolve());
    });
    // What fails here is told by the first command.
    await Promise.race([this.#client.connect().catch(() => {}), failed]);
  }

  /** Ends the connection, and all attempts to have one. */
  close(): void {
    this.#client.disconnect();
  }

  /**
   * What Redis answers.
   *
   * @throws {@link RedisAway}, or the `ReplyError` that it answers
   */
  async send<Answer>(command: (redis: RedisCommander) => Promise<Answer>): Promise<Answer> {
    try {
      return await command(this.#client as Redis);
    } catch (error) {
      if (isAnswer(error)) throw error;
      const { message } = error as Error;
      // The connection holds what is unanswered; another one has a better chance.
      if (message === TIMED_OUT && this.#client instanceof Redis) this.#client.disconnect(true);
      const reason = this.#reason === undefined ? message : messageOf(this.#reason);
      throw new RedisAway(`redis ${this.place}: ${reason}`);
    }
  }
}

/** Whether Redis has answered, but not that it has no rights or no data for anybody. */
function isAnswer(error: unknown): boolean {
  return (
    error instanceof (ReplyError as ErrorConstructor) &&
    !/^(NOAUTH|WRONGPASS|NOPERM|LOADING)/.test(error.message)
  );
}

function messageOf(error: unknown): string {
  const { message, code, lastNodeError } = error as NodeJS.ErrnoException & {
    lastNodeError?: Error;
  };
  return lastNodeError?.message || message || code || String(error);
}

function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^rediss?:$/.test(url.protocol) && url.hostname) return url;
  // What is given may have a password in it.
  throw new TypeError("redis: expected an address redis://host:port or rediss://host:port");
}

function placeOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
}

function optionsOf({ username, password, protocol }: URL, { timeoutMillis }: RedisLinkOptions) {
  return {
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    tls: protocol === "rediss:" ? {} : undefined,
    protocol: 2 as const,
    connectTimeout: timeoutMillis,
    disconnectTimeout: GOODBYE_MILLIS,
    commandTimeout: timeoutMillis,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    lazyConnect: true,
  };
}

function redisOf(url: URL, options: RedisLinkOptions): Redis {
  return new Redis({
    ...optionsOf(url, options),
    host: hostOf(url),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1)) || 0,
    enableOfflineQueue: false,
    retryStrategy: retryMillis,
  });
}

function clusterOf(urls: readonly URL[], options: RedisLinkOptions): Cluster {
  const nodes = urls.map((url) => ({ host: hostOf(url), port: Number(url.port || 6379) }));
  const { lazyConnect, ...redisOptions } = optionsOf(urls[0], options);
  return new Cluster(nodes, {
    redisOptions: { ...redisOptions, socketTimeout: options.timeoutMillis * SILENCE },
    lazyConnect,
    enableOfflineQueue: false,
    slotsRefreshTimeout: options.timeoutMillis,
    // A certificate is of a name: not of the address that the name has.
    dnsLookup: redisOptions.tls && ((host, found) => found(null, host)),
    maxRedirections: REDIRECTIONS_MAX,
    clusterRetryStrategy: retryMillis,
  });
}

/** As a socket takes it. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
