import type { Cluster, Redis, RedisCommander } from "ioredis";
import type { RedisLinkOptions } from "./redis-client.ts";

/** No answer could be had of Redis. */
export class RedisAway extends Error {
  override readonly name = "RedisAway";
}

const TIMED_OUT = "Command timed out";

/** The connection to Redis: it is made again for ever, and a command waits for it only briefly. */
export class RedisLink {
  /** Its address, without user and password. */
  readonly place: string;
  readonly #urls: readonly URL[];
  readonly #options: RedisLinkOptions;
  #client: Redis | Cluster | undefined;
  #isClosed = false;
  /** Why there is no connection. */
  #reason: unknown;

  /** @throws TypeError for what is no address */
  constructor(options: RedisLinkOptions) {
    const urls = [options.redis].flat().map(urlOf);
    if (urls.length === 0) throw new TypeError("redis: expected an address, got none");
    this.place = urls.map(placeOf).join(", ");
    this.#urls = urls;
    this.#options = options;
  }

  /** Begins to connect; resolves when that has succeeded or failed for the first time. */
  async open(): Promise<void> {
    const { clientOf } = await import("./redis-client.ts");
    if (this.#isClosed) return;
    const client = clientOf(this.#urls, this.#options);
    this.#client = client;
    client.on("error", (error) => {
      this.#reason = error;
    });
    client.on("ready", () => {
      this.#reason = undefined;
    });
    const failed = new Promise<void>((resolve) => {
      // A Cluster that answers and has lost slots never says that it is not connected.
      for (const name of ["error", "close"]) client.once(name, () => resolve());
    });
    // What fails here is told by the first command.
    await Promise.race([client.connect().catch(() => {}), failed]);
  }

  /** Ends the connection, and all attempts to have one. */
  close(): void {
    this.#isClosed = true;
    this.#client?.disconnect();
  }

  /**
   * What Redis answers.
   *
   * @throws {@link RedisAway}, or the `ReplyError` that it answers
   */
  async send<Answer>(command: (redis: RedisCommander) => Promise<Answer>): Promise<Answer> {
    const client = this.#client;
    if (!client) throw new RedisAway(`redis ${this.place}: not connected`);
    try {
      return await command(client as Redis);
    } catch (error) {
      if (isAnswer(error)) throw error;
      const { message } = error as Error;
      // The connection holds what is unanswered; another one has a better chance.
      if (message === TIMED_OUT && !client.isCluster) client.disconnect(true);
      const reason = this.#reason === undefined ? message : messageOf(this.#reason);
      throw new RedisAway(`redis ${this.place}: ${reason}`);
    }
  }
}

/** Whether Redis has answered, but not that it has no rights or no data for anybody. */
function isAnswer(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === "ReplyError" && !/^(NOAUTH|WRONGPASS|NOPERM|LOADING)/.test(message);
}

function messageOf(error: unknown): string {
  const { message, code, lastNodeError } = error as NodeJS.ErrnoException & {
    lastNodeError?: Error;
  };
  return lastNodeError?.message || message || code || String(error);
}

function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^rediss?:$/.test(url.protocol) && url.hostname && isDecodable(url)) return url;
  // What is given may have a password in it.
  throw new TypeError("redis: expected an address redis://host:port or rediss://host:port");
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

function placeOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
}
