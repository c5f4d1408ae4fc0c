// The library that speaks with Redis. Loaded when a fleet begins: others do without.

import { Cluster, Redis } from "ioredis";

export interface RedisLinkOptions {
  redis: string | readonly string[];
  cluster: boolean;
  /** For one command, and for connecting. */
  timeoutMillis: number;
}

const RETRY_MIN_MILLIS = 100;
const RETRY_MAX_MILLIS = 2_000;
const REDIRECTIONS_MAX = 4;
/** Silence after which a connection is given up, in time limits of a command. */
const SILENCE = 2;
/** A Redis that hangs does not end a connection: then it is cut. */
const GOODBYE_MILLIS = 100;

function retryMillis(times: number): number {
  const millis = Math.min(RETRY_MIN_MILLIS * 2 ** Math.min(times - 1, 10), RETRY_MAX_MILLIS);
  return millis * (0.75 + Math.random() / 2);
}

/** Not connected yet. */
export function clientOf(urls: readonly URL[], options: RedisLinkOptions): Redis | Cluster {
  const isCluster = options.cluster || urls.length > 1;
  return isCluster ? clusterOf(urls, options) : redisOf(urls[0], options);
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
