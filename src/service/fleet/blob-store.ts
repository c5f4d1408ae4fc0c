// Bytes in Redis: in parts, as a cohort may be larger than what one value should be.

import { createHash, randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import pLimit from "p-limit";
import { type FleetKeys, LIFE_MILLIS } from "./keys.ts";
import type { RedisLink } from "./redis-link.ts";

/** Bytes that lie in Redis. */
export interface BlobRef {
  readonly id: string;
  readonly sha256: string;
  /** Of the bytes, before they are compressed. */
  readonly size: number;
}

/** Bytes are missing, or others than were published. */
export class BlobError extends Error {
  override readonly name = "BlobError";
}

const PART_BYTES = 2 ** 20;
/** Of a part, so many are handed on at once. */
const PIECE_BYTES = 2 ** 16;
/** What is written and not published. */
const DRAFT_MILLIS = 3_600_000;
/** What has been replaced: instances may still be reading it. */
const LAST_MILLIS = 10 * 60_000;
const COMMANDS_AT_ONCE = 16;
/** Ids compress well at the lowest level, in a fraction of the time. */
const LEVEL = 1;

const PUT = `
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return redis.call("PEXPIRE", KEYS[1], ARGV[3])`;
const EXTEND = `
redis.call("PEXPIRE", KEYS[1], ARGV[1])
return redis.call("HLEN", KEYS[1])`;

const compress = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw);
const expand = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw);

/** Puts bytes into Redis, where each blob is a hash with a field for each part, and reads them. */
export class BlobStore {
  readonly #link: RedisLink;
  readonly #keys: FleetKeys;
  readonly #limit = pLimit(COMMANDS_AT_ONCE);

  constructor(link: RedisLink, keys: FleetKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** To be filled, and extended before long. */
  begin(): BlobDraft {
    return new BlobDraft(this.#link, this.#keys);
  }

  /** @param known - a blob that is there, and may have these bytes */
  async put(bytes: Uint8Array, known?: BlobRef): Promise<BlobRef> {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (known?.sha256 === sha256) return known;
    const draft = this.begin();
    await draft.append(bytes);
    return draft.finish();
  }

  /** @throws {@link BlobError}, if need be behind the last byte; what Redis throws */
  async *read({ id, sha256, size }: BlobRef): AsyncGenerator<Uint8Array> {
    const key = this.#keys.blob(id);
    const hash = createHash("sha256");
    for (let part = 0, left = size; left > 0; part++) {
      const compressed = await this.#link.send((redis) => redis.hgetBuffer(key, String(part)));
      if (!compressed) throw new BlobError(`blob ${id}: part ${part} is missing`);
      const bytes = await expand(compressed, { maxOutputLength: PART_BYTES }).catch(() => {
        throw new BlobError(`blob ${id}: part ${part} is damaged`);
      });
      if (bytes.length !== Math.min(left, PART_BYTES)) {
        throw new BlobError(`blob ${id}: part ${part} has another size than was published`);
      }
      left -= bytes.length;
      hash.update(bytes);
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        yield bytes.subarray(at, at + PIECE_BYTES);
        // Whoever evaluates need not wait until a whole part is read.
        await setImmediate();
      }
    }
    if (hash.digest("hex") !== sha256) throw new BlobError(`blob ${id} is damaged`);
  }

  /** As {@link read}, all at once. */
  async bytes(ref: BlobRef): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.read(ref)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** Lets blobs live on; answers the ids of those that are there. */
  async extend(refs: readonly BlobRef[]): Promise<Set<string>> {
    const parts = await this.#forAll(refs, (key) =>
      this.#link.send((redis) => redis.eval(EXTEND, 1, key, LIFE_MILLIS)),
    );
    const whole = refs.filter(({ size }, index) => parts[index] === Math.ceil(size / PART_BYTES));
    return new Set(whole.map(({ id }) => id));
  }

  /** Lets blobs go, but not from under who reads them now. */
  async release(refs: readonly BlobRef[]): Promise<void> {
    await this.#forAll(refs, (key) => this.#link.send((redis) => redis.pexpire(key, LAST_MILLIS)));
  }

  #forAll<Answer>(
    refs: readonly BlobRef[],
    command: (key: string) => Promise<Answer>,
  ): Promise<Answer[]> {
    return Promise.all(refs.map(({ id }) => this.#limit(() => command(this.#keys.blob(id)))));
  }
}

/** A blob while it is written. */
export class BlobDraft {
  readonly #link: RedisLink;
  readonly #id = randomBytes(16).toString("hex");
  readonly #key: string;
  readonly #hash = createHash("sha256");
  #rest: Uint8Array[] = [];
  #restSize = 0;
  #size = 0;
  #parts = 0;

  constructor(link: RedisLink, keys: FleetKeys) {
    this.#link = link;
    this.#key = keys.blob(this.#id);
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + PART_BYTES - this.#restSize);
      this.#rest.push(piece);
      this.#restSize += piece.length;
      at += piece.length;
      if (this.#restSize === PART_BYTES) await this.#flush();
    }
  }

  async finish(): Promise<BlobRef> {
    if (this.#restSize > 0) await this.#flush();
    return { id: this.#id, sha256: this.#hash.digest("hex"), size: this.#size };
  }

  /** Gives the room back. Never throws: it would be gone after a while. */
  async discard(): Promise<void> {
    if (this.#parts === 0) return;
    await this.#link.send((redis) => redis.unlink(this.#key)).catch(() => {});
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restSize = 0;
    const compressed = await compress(bytes, { level: LEVEL });
    const args = [String(this.#parts++), compressed, DRAFT_MILLIS] as const;
    await this.#link.send((redis) => redis.eval(PUT, 1, this.#key, ...args));
  }
}
