import { Engine, type EngineUpdate, type Flags } from "../../engine/index.ts";
import { CohortApi } from "../../local/cohort-api.ts";
import { CohortPoller } from "../../local/cohort-poller.ts";
import { CohortSync } from "../../local/cohort-sync.ts";
import type { ResolvedConfig } from "../../local/config.ts";
import type { FetchedFlags } from "../../local/flag-api.ts";
import { type FlagFeed, type FlagSource, flagFeedOf } from "../../local/flag-feed.ts";
import { pause } from "../../local/pause.ts";
import { Release } from "../../local/release.ts";
import { Http } from "../../sdk/http.ts";
import { type Log, reasonOf } from "../../sdk/log.ts";
import type { BlobStore } from "./blob-store.ts";
import type { Board, Confirmation } from "./board.ts";
import { CohortBlobs } from "./cohort-blobs.ts";
import type { FleetTiming } from "./config.ts";
import {
  blobsOf,
  type Publication,
  type PublishedCohort,
  parsePublication,
  textOf,
} from "./publication.ts";
import { RedisAway } from "./redis-link.ts";

export interface PublisherOptions {
  deploymentKey: string;
  upstream: ResolvedConfig;
  board: Board;
  blobs: BlobStore;
  log: Log;
  timing: FleetTiming;
  /** Of the leader's term. */
  token: string;
  /** Publications have greater numbers. */
  floor: number;
}

/** Flags that can be published. */
interface Compiled {
  digest: string;
  image: Uint8Array;
}

type PublishedFlags = Pick<Publication, "digest" | "flags" | "image">;

const LOST = "redis has lost what was published";

/** For one term of a leader: downloads flags and cohorts from upstream, and publishes them. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #cohorts: CohortSync;
  readonly #cohortBlobs: CohortBlobs;
  readonly #release: Release;
  readonly #feed: FlagFeed;
  readonly #broken = new AbortController();
  readonly #compiled = new WeakMap<object, Compiled>();
  /** What is published, its text, and its number; 0 = nothing is. */
  #publication: Publication | undefined;
  #text = "";
  #number = 0;
  #last: Promise<unknown> = Promise.resolve();
  #confirmedAt = 0;
  #error = "";
  #isStreaming = false;
  /** Flags whose cohorts have come, or the old ones' gone, and that are not published yet. */
  #releases = 0;
  #hasNewCohorts = false;

  constructor(options: PublisherOptions) {
    const { upstream, deploymentKey, blobs, log } = options;
    this.#options = options;
    const http = new Http(upstream);
    const { cohortSyncConfig } = upstream;
    this.#cohortBlobs = new CohortBlobs(blobs, (error) => this.#break(error));
    this.#cohorts = new CohortSync({
      api: cohortSyncConfig && new CohortApi(http, cohortSyncConfig),
      engine: this.#cohortBlobs,
      log,
      snapshot: this.#cohortBlobs,
    });
    this.#release = new Release({
      engine: { update: (flags) => this.#compile(flags) },
      cohorts: this.#cohorts,
      cache: { replace: () => {} },
      log,
    });
    this.#feed = flagFeedOf(
      upstream,
      { http, deploymentKey },
      {
        log,
        apply: (fetched, source, signal) => this.#apply(fetched, source, signal),
        confirm: (source) => this.#confirm(source),
        onError: (error) => this.#fail(error),
      },
    );
  }

  get number(): number {
    return this.#number;
  }

  /** What is known of upstream now. */
  get news(): Confirmation {
    // A stream is silent for as long as nothing changes, and watches itself.
    if (this.#isStreaming) this.#confirmedAt = Date.now();
    const cohortError = this.#cohorts.states.find(({ error }) => error)?.error ?? "";
    const error = this.#error || this.#options.log.clean(cohortError);
    return { confirmedAt: this.#confirmedAt, error };
  }

  /**
   * Goes on until `term` is aborted.
   *
   * @throws why what is published cannot be kept in Redis: another term may mend it
   */
  async run(term: AbortSignal): Promise<void> {
    const { upstream, timing } = this.#options;
    const life = AbortSignal.any([term, this.#broken.signal]);
    try {
      await this.#takeOver();
      life.throwIfAborted();
      // Failures are told as they come.
      this.#feed.start(life).catch(() => {});
      const intervalMillis =
        timing.cohortPollMillis ?? upstream.cohortSyncConfig?.cohortPollingIntervalMillis;
      if (intervalMillis !== undefined) this.#pollCohorts(intervalMillis, life);
      for (;;) {
        await pause(timing.keepMillis, life);
        await this.#enqueue(() => this.#keep()).catch((error) => {
          // Whether it is away for too long is not seen here.
          if (!(error instanceof RedisAway)) throw error;
        });
      }
    } finally {
      this.#break(new Error("the term is over"));
      await this.#last;
    }
  }

  #pollCohorts(intervalMillis: number, life: AbortSignal): void {
    const poller = new CohortPoller({
      cohorts: this.#cohorts,
      intervalMillis,
      onPolled: (isChanged) => {
        this.#hasNewCohorts ||= isChanged;
        this.#publishCohorts(life);
      },
      onError: (error) => this.#options.log.warn("cohorts could not be polled", error),
    });
    poller.start(life);
  }

  /** What the leader before has published need not be downloaded, as far as it is there. */
  async #takeOver(): Promise<void> {
    const { board, blobs, floor, log } = this.#options;
    try {
      const found = await board.read();
      if (!found) return;
      const publication = parsePublication(found.text);
      const whole = await blobs.extend(blobsOf(publication));
      for (const [cohortId, { blob, ...cohort }] of publication.cohorts) {
        if (!whole.has(blob.id)) continue;
        this.#cohortBlobs.adopt(cohortId, blob);
        this.#cohorts.adopt({ cohortId, ...cohort });
      }
      if (!whole.has(publication.flags.id) || !whole.has(publication.image.id)) return;
      this.#publication = publication;
      // Instances that are ahead of it wait for a greater number.
      if (found.number >= floor) this.#text = found.text;
      this.#number = found.number;
      this.#confirmedAt = found.confirmedAt;
    } catch (error) {
      log.warn("what is published is published anew", error);
    }
  }

  /** @throws if a part of it is gone, as Redis has been emptied or was short of memory */
  async #keep(): Promise<void> {
    if (!this.#publication) return;
    const { board, blobs } = this.#options;
    const refs = blobsOf(this.#publication);
    const [whole, found] = await Promise.all([blobs.extend(refs), board.read()]);
    if (whole.size < refs.length || found?.text !== this.#text) throw new Error(LOST);
  }

  #compile(flags: Flags | Uint8Array): EngineUpdate {
    const engine = Engine.loadSync(flags);
    this.#compiled.set(flags, { digest: engine.digest, image: engine.toImage() });
    return { changed: engine.flagKeys.slice(), warnings: engine.warnings };
  }

  async #apply(fetched: FetchedFlags, source: FlagSource, signal: AbortSignal): Promise<void> {
    this.#releases++;
    try {
      await this.#release.apply(fetched, signal);
      await this.#publish(() => this.#flagBlobs(fetched), signal);
      this.#confirm(source);
    } finally {
      this.#releases--;
      this.#publishCohorts(signal);
    }
  }

  async #flagBlobs({ flags, text }: FetchedFlags): Promise<PublishedFlags> {
    const { blobs } = this.#options;
    const { digest, image } = this.#compiled.get(flags)!;
    const before = this.#publication;
    const blob = await blobs.put(Buffer.from(text), before?.flags);
    return { digest, flags: blob, image: await blobs.put(image, before?.image) };
  }

  /** Not between flags that are about to be published and their cohorts. */
  #publishCohorts(signal: AbortSignal): void {
    if (!this.#hasNewCohorts || this.#releases > 0) return;
    this.#hasNewCohorts = false;
    if (this.#publication) this.#publish(async () => this.#publication!, signal).catch(() => {});
  }

  /** One that fails is the end of the term. */
  #publish(flags: () => Promise<PublishedFlags>, signal: AbortSignal): Promise<void> {
    return this.#enqueue(async () => {
      // A poll is ended when a stream has brought what is newer: that is no failure.
      signal.throwIfAborted();
      try {
        await this.#put(await flags());
      } catch (error) {
        this.#break(error);
        throw error;
      }
    });
  }

  /** One after the other. */
  #enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => {});
    return done;
  }

  async #put({ digest, flags, image }: PublishedFlags): Promise<void> {
    const { board, blobs, token, floor, log } = this.#options;
    const before = this.#publication;
    const publication = { digest, flags, image, cohorts: this.#publishedCohorts() };
    const text = textOf(publication);
    if (text === this.#text) return;
    const refs = blobsOf(publication);
    if ((await blobs.extend(refs)).size < refs.length) throw new Error(LOST);
    this.#broken.signal.throwIfAborted();
    const news = { confirmedAt: Date.now(), error: "" };
    this.#number = await board.publish(token, Math.max(floor, this.#number), text, news);
    this.#publication = publication;
    this.#text = text;
    log.info(`flags ${digest} and ${publication.cohorts.size} cohorts are published`);
    const ids = new Set(refs.map(({ id }) => id));
    const outdated = before ? blobsOf(before).filter(({ id }) => !ids.has(id)) : [];
    // They would be gone after a while anyway.
    await blobs.release(outdated).catch(() => {});
  }

  #publishedCohorts(): Map<string, PublishedCohort> {
    const cohorts = new Map<string, PublishedCohort>();
    for (const { cohortId, groupType, size, lastModified } of this.#cohorts.states) {
      const blob = this.#cohortBlobs.find(cohortId);
      if (!blob || groupType === undefined || size === undefined) continue;
      cohorts.set(cohortId, { blob, groupType, size, lastModified });
    }
    return cohorts;
  }

  #confirm(source: FlagSource): void {
    this.#isStreaming = source === "stream";
    this.#confirmedAt = Date.now();
    this.#error = "";
  }

  /** Upstream could not be asked. */
  #fail(error: unknown): void {
    const { log } = this.#options;
    if (this.#broken.signal.aborted) return;
    log.warn("upstream: the last flags go on", error);
    this.#isStreaming = false;
    this.#error = log.clean(reasonOf(error));
  }

  #break(error: unknown): void {
    this.#broken.abort(error);
  }
}
