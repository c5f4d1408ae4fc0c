// Who leads, and what is published: the two keys that the instances of a fleet share.

import { type FleetKeys, LIFE_MILLIS } from "./keys.ts";
import { PublicationError } from "./publication.ts";
import type { RedisLink } from "./redis-link.ts";

/** What is said of a publication besides what it is. */
export interface Head {
  /** Of two publications the newer one has the greater number. */
  readonly number: number;
  /** When upstream last had these flags, in ms since 1970, by the leader's clock. */
  readonly confirmedAt: number;
  /** Why the leader cannot have others; "" = it can. */
  readonly error: string;
}

/** What the leader knows of upstream. */
export type Confirmation = Pick<Head, "confirmedAt" | "error">;

/** Another instance leads. */
export class LeadLost extends Error {
  override readonly name = "LeadLost";
}

/** Numbers above are no times, and not exact in Lua. */
const NUMBER_MAX = 2 ** 52;

/**
 * Only who has the lock may publish. Numbers are times, so that they grow even where Redis has lost
 * what it had; and never less than what the leader has seen.
 */
const PUBLISH = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return false end
if redis.call("TYPE", KEYS[2]).ok ~= "hash" then redis.call("DEL", KEYS[2]) end
local last = tonumber(redis.call("HGET", KEYS[2], "number") or "0") or 0
if last > ${NUMBER_MAX} then last = 0 end
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local number = string.format("%.0f", math.max(last + 1, tonumber(ARGV[2]) + 1, now))
redis.call("HSET", KEYS[2], "number", number, "text", ARGV[3],
  "confirmedAt", ARGV[4], "error", ARGV[5])
redis.call("PEXPIRE", KEYS[2], ${LIFE_MILLIS})
return number`;

/** Answers the number of the publication, and confirms it if it is the leader's. */
const RENEW = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return false end
redis.call("PEXPIRE", KEYS[1], ARGV[2])
if redis.call("TYPE", KEYS[2]).ok ~= "hash" then return "" end
local number = redis.call("HGET", KEYS[2], "number") or ""
if number == ARGV[3] then
  redis.call("HSET", KEYS[2], "confirmedAt", ARGV[4], "error", ARGV[5])
  redis.call("PEXPIRE", KEYS[2], ${LIFE_MILLIS})
end
return number`;

const RESIGN = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`;

/** Reads and writes them. A token names one term of one leader. */
export class Board {
  readonly #link: RedisLink;
  readonly #keys: FleetKeys;

  constructor(link: RedisLink, keys: FleetKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  /**
   * Undefined = nothing is published.
   *
   * @throws {@link PublicationError} for what is no publication; what Redis throws
   */
  async head(): Promise<Head | undefined> {
    return headOf(await this.#fields("number", "confirmedAt", "error"));
  }

  /** As {@link head}, with the publication's text. */
  async read(): Promise<(Head & { text: string }) | undefined> {
    const [text, ...fields] = await this.#fields("text", "number", "confirmedAt", "error");
    const head = headOf(fields);
    return head && { ...head, text: text ?? "" };
  }

  /** Begins a term, unless somebody leads. Answers whether it has begun. */
  async lead(token: string, millis: number): Promise<boolean> {
    const { lock } = this.#keys;
    const answer = await this.#link.send((redis) => redis.set(lock, token, "PX", millis, "NX"));
    return answer === "OK";
  }

  /**
   * The term goes on. Answers the number of what is published, 0 = nothing is.
   *
   * @param number - of what the leader has published
   * @throws {@link LeadLost}
   */
  async renew(token: string, millis: number, number: number, news: Confirmation): Promise<number> {
    const { confirmedAt, error } = news;
    return this.#asLeader(RENEW, token, millis, number, confirmedAt, error);
  }

  /**
   * Answers the publication's number.
   *
   * @param floor - it is greater than this
   * @throws {@link LeadLost}
   */
  async publish(token: string, floor: number, text: string, news: Confirmation): Promise<number> {
    return this.#asLeader(PUBLISH, token, floor, text, news.confirmedAt, news.error);
  }

  /** Ends the term. */
  async resign(token: string): Promise<void> {
    await this.#link.send((redis) => redis.eval(RESIGN, 1, this.#keys.lock, token));
  }

  async #asLeader(script: string, ...args: (string | number)[]): Promise<number> {
    const { lock, publication } = this.#keys;
    const answer = await this.#link.send((redis) =>
      redis.eval(script, 2, lock, publication, ...args),
    );
    if (answer === null) throw new LeadLost("another instance leads");
    return Number(answer);
  }

  async #fields(...names: string[]): Promise<(string | null)[]> {
    try {
      return await this.#link.send((redis) => redis.hmget(this.#keys.publication, ...names));
    } catch (error) {
      if (!(error as Error).message.startsWith("WRONGTYPE")) throw error;
      throw new PublicationError("expected a hash");
    }
  }
}

function headOf([number, confirmedAt, error]: (string | null)[]): Head | undefined {
  if (number === null && confirmedAt === null) return undefined;
  const head = { number: Number(number), confirmedAt: Number(confirmedAt), error: error ?? "" };
  if (!Number.isSafeInteger(head.number) || head.number <= 0 || head.number > NUMBER_MAX) {
    throw new PublicationError("expected a number");
  }
  if (!Number.isFinite(head.confirmedAt)) throw new PublicationError("expected a time");
  return head;
}
