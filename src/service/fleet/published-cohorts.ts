import { createHash } from "node:crypto";
import type { Engine } from "../../engine/index.ts";
import { type CohortArchive, CohortSync, type NamedCohorts } from "../../local/cohort-sync.ts";
import type { Snapshot, SnapshotCopy } from "../../local/snapshot.ts";
import type { Log } from "../../sdk/log.ts";
import type { CohortFile } from "../source.ts";
import type { BlobRef, BlobStore } from "./blob-store.ts";
import type { PublishedCohort } from "./publication.ts";

export interface PublishedCohortsOptions {
  blobs: BlobStore;
  engine: Engine;
  snapshot: Snapshot;
  log: Log;
  /** Called when a cohort's file may be another one. */
  onKept(): void;
}

/** Less than of a server's: what is published is there. */
const PATIENCE = { retryMinMillis: 100, retryMaxMillis: 1_000, pendingMillis: 0 };

/** Keeps the engine's cohorts as they are published. */
export class PublishedCohorts implements CohortArchive {
  readonly maxCohortSize = Number.POSITIVE_INFINITY;
  readonly #options: PublishedCohortsOptions;
  readonly #sync: CohortSync;
  #published: ReadonlyMap<string, PublishedCohort> = new Map();
  /** By id, the SHA-256 of what the engine has. */
  readonly #taken = new Map<string, string>();
  /** Why bytes that are published could not be had. */
  readonly #failures = new Map<string, unknown>();
  #named: NamedCohorts = new Map();

  constructor(options: PublishedCohortsOptions) {
    const { engine, log } = options;
    this.#options = options;
    this.#sync = new CohortSync({ api: this, engine, log, snapshot: this, patience: PATIENCE });
  }

  /** The cohorts that are live and on the disk. */
  get files(): CohortFile[] {
    return this.#sync.states.flatMap(({ cohortId, groupType = "User", size, lastModified = 0 }) => {
      const path = this.#options.snapshot.fileOf(cohortId)?.path;
      if (size === undefined || path === undefined) return [];
      return [{ cohortId, groupType, size, lastModified, path, format: "json" }];
    });
  }

  /** These are what is published. */
  follow(published: ReadonlyMap<string, PublishedCohort>): void {
    this.#published = published;
  }

  /** Takes what a snapshot has. */
  async restore(signal: AbortSignal): Promise<void> {
    const { snapshot } = this.#options;
    const cohort = (cohortId: string) => this.#hashed(cohortId, snapshot.cohort(cohortId));
    await this.#sync.restore({ cohortIds: snapshot.cohortIds, cohort }, signal);
    const restored = this.#sync.states.filter(({ size }) => size !== undefined);
    const ids = new Set(restored.map(({ cohortId }) => cohortId));
    for (const cohortId of this.#taken.keys()) if (!ids.has(cohortId)) this.#taken.delete(cohortId);
  }

  /** As {@link prepare}, of the flags that are live. */
  refresh(signal: AbortSignal): Promise<void> {
    return this.prepare(this.#named, signal);
  }

  /**
   * Before flags go live: their cohorts are as they are published. One that the engine does not
   * take is left out; one that is not published was not to be had.
   *
   * @throws why bytes that are published could not be had: then the flags would answer wrongly
   */
  async prepare(named: NamedCohorts, signal: AbortSignal): Promise<void> {
    const published = new Map([...named].filter(([cohortId]) => this.#published.has(cohortId)));
    this.#failures.clear();
    await this.#sync.prepare(published, signal);
    await this.#sync.refresh(signal);
    signal.throwIfAborted();
    for (const error of this.#failures.values()) throw error;
  }

  keepOnly(named: NamedCohorts): void {
    this.#named = named;
    this.#sync.keepOnly(named);
  }

  /** As of a server: undefined = the engine has what is published. */
  async open(cohortId: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const blob = this.#published.get(cohortId)?.blob;
    if (!blob || blob.sha256 === this.#taken.get(cohortId)) return undefined;
    return this.#read(cohortId, blob);
  }

  copyOf(cohortId: string): SnapshotCopy {
    const copy = this.#options.snapshot.copyOf(cohortId);
    const sha256 = this.#published.get(cohortId)?.blob.sha256;
    return {
      through: (chunks) => copy.through(chunks),
      keep: async () => {
        if (sha256) this.#taken.set(cohortId, sha256);
        await copy.keep();
        this.#options.onKept();
      },
      discard: () => copy.discard(),
    };
  }

  dropCohort(cohortId: string): void {
    this.#taken.delete(cohortId);
    this.#options.snapshot.dropCohort(cohortId);
  }

  async *#read(cohortId: string, blob: BlobRef): AsyncGenerator<Uint8Array> {
    this.#failures.delete(cohortId);
    try {
      yield* this.#options.blobs.read(blob);
    } catch (error) {
      this.#failures.set(cohortId, error);
      throw error;
    }
  }

  async *#hashed(cohortId: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
    this.#taken.set(cohortId, hash.digest("hex"));
  }
}
