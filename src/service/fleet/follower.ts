import { createHash } from "node:crypto";
import type { Engine, EvaluationFlag } from "../../engine/index.ts";
import { parseFlags } from "../../local/flag-api.ts";
import { Release } from "../../local/release.ts";
import type { Snapshot } from "../../local/snapshot.ts";
import { type Log, reasonOf } from "../../sdk/log.ts";
import type { CohortFile } from "../source.ts";
import { BlobError, type BlobStore } from "./blob-store.ts";
import type { Board, Head } from "./board.ts";
import { type Publication, PublicationError, parsePublication } from "./publication.ts";
import { PublishedCohorts } from "./published-cohorts.ts";
import { RedisAway } from "./redis-link.ts";

export interface FollowerOptions {
  board: Board;
  blobs: BlobStore;
  engine: Engine;
  snapshot: Snapshot;
  log: Log;
  /** Called when anything may be otherwise. */
  onChange(): void;
}

/** What is published and cannot be used is tried again after so long, and then after longer. */
const RETRY_MIN_MILLIS = 200;
const RETRY_MAX_MILLIS = 10_000;

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Keeps an engine's flags and cohorts as they are published. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #cohorts: PublishedCohorts;
  readonly #release: Release;
  #flags: string | undefined;
  #sha256: string | undefined;
  #number = 0;
  #confirmedAt: number | undefined;
  #isConnected = false;
  /** Why Redis or what is published there cannot be used. */
  #error: string | undefined;
  /** What the leader says of upstream. */
  #upstreamError = "";
  #failures = 0;
  #retryAt = 0;
  /** Of the publication that was last tried. */
  #triedNumber = 0;

  constructor(options: FollowerOptions) {
    const { engine, log, onChange } = options;
    this.#options = options;
    this.#cohorts = new PublishedCohorts({ ...options, onKept: onChange });
    const cache = { replace: () => {} };
    this.#release = new Release({ engine, cohorts: this.#cohorts, cache, log });
  }

  /** The live flags; undefined = there were none yet. */
  get flags(): string | undefined {
    return this.#flags;
  }

  /** Of the live publication; 0 = none is. */
  get number(): number {
    return this.#number;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get confirmedAt(): number | undefined {
    return this.#confirmedAt;
  }

  /** Whether something is published that cannot be used. */
  get isHeldUp(): boolean {
    return this.#failures > 0;
  }

  get error(): string | undefined {
    return this.#error ?? (this.#upstreamError ? `leader: ${this.#upstreamError}` : undefined);
  }

  get cohortFiles(): readonly CohortFile[] {
    return this.#cohorts.files;
  }

  /** Takes what the snapshot has. Answers whether there are flags to go on with. */
  async restore(signal: AbortSignal): Promise<boolean> {
    const { snapshot, log, onChange } = this.#options;
    const saved = await snapshot.load();
    if (!saved) return false;
    try {
      const flags = parseFlags(saved.flags);
      await this.#cohorts.restore(signal);
      await this.#release.restore({ flags }, signal);
      this.#accept(saved.flags);
      this.#confirmedAt = saved.savedAt;
      onChange();
      return true;
    } catch (error) {
      signal.throwIfAborted();
      log.warn("snapshot: it cannot be used", error);
      return false;
    }
  }

  /** Looks once whether there is something newer, and takes it. */
  async look(signal: AbortSignal): Promise<void> {
    const { board, log, onChange } = this.#options;
    const before = this.#said;
    try {
      const head = await board.head();
      this.#connect();
      this.#upstreamError = head?.error ?? "";
      if (head && this.#isDue(head)) await this.#take(signal);
      if (head && head.number === this.#number) this.#confirm(head);
    } catch (error) {
      if (signal.aborted) return;
      const reason = log.clean(reasonOf(error));
      if (reason !== this.#error) log.warn("the last flags go on", error);
      this.#error = reason;
      this.#isConnected = !(error instanceof RedisAway);
      if (this.#isConnected) this.#holdUp(error);
    }
    if (this.#said !== before) onChange();
  }

  #isDue({ number }: Head): boolean {
    if (number <= this.#number) return false;
    const isTried = number === this.#triedNumber;
    this.#triedNumber = number;
    return !isTried || performance.now() >= this.#retryAt;
  }

  #connect(): void {
    if (!this.#isConnected) this.#options.log.info("redis answers");
    this.#isConnected = true;
    if (!this.isHeldUp) this.#error = undefined;
  }

  #confirm({ confirmedAt }: Head): void {
    this.#confirmedAt = confirmedAt;
    this.#error = undefined;
    this.#failures = 0;
    this.#retryAt = 0;
  }

  #holdUp(error: unknown): void {
    const millis = Math.min(RETRY_MIN_MILLIS * 2 ** this.#failures, RETRY_MAX_MILLIS);
    this.#failures++;
    // What is missing in Redis may come as soon as the leader sees it; other faults stay longer.
    this.#retryAt = performance.now() + (error instanceof BlobError ? RETRY_MIN_MILLIS : millis);
  }

  async #take(signal: AbortSignal): Promise<void> {
    const found = await this.#options.board.read();
    if (!found) return;
    const publication = parsePublication(found.text);
    this.#cohorts.follow(publication.cohorts);
    if (publication.flags.sha256 === this.#sha256) await this.#cohorts.refresh(signal);
    else await this.#takeFlags(publication, signal);
    signal.throwIfAborted();
    this.#number = found.number;
    this.#confirm(found);
    this.#options.onChange();
  }

  async #takeFlags(publication: Publication, signal: AbortSignal): Promise<void> {
    const { blobs, engine, snapshot, log } = this.#options;
    const [flagsBytes, image] = await Promise.all([
      blobs.bytes(publication.flags),
      blobs.bytes(publication.image),
    ]);
    const text = flagsBytes.toString();
    const flags = this.#parse(text);
    await this.#release.apply({ flags, image }, signal);
    if (engine.digest !== publication.digest) {
      log.info("the image is not what was published: the flags are compiled here");
      engine.update(flags);
    }
    this.#accept(text);
    void snapshot.keepFlags(text);
  }

  #parse(text: string): EvaluationFlag[] {
    try {
      return parseFlags(text);
    } catch {
      throw new PublicationError("expected a list of flags");
    }
  }

  #accept(text: string): void {
    this.#flags = text;
    this.#sha256 = sha256Of(text);
  }

  /** What others may see of it, and what changes only if something has happened. */
  get #said(): string {
    return [this.#number, this.#isConnected, this.error, this.#sha256].join();
  }
}
