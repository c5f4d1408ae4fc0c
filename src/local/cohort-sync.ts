import pLimit from "p-limit";
import pRetry from "p-retry";
import { CohortError } from "../engine/index.ts";
import { HttpError, isRetriable } from "../sdk/http.ts";
import type { Log } from "../sdk/log.ts";
import { type CohortApi, CohortPending, CohortTooLarge } from "./cohort-api.ts";
import { CohortBody, CohortBodyError } from "./cohort-body.ts";
import { pause } from "./pause.ts";
import type { Snapshot, SnapshotCopy } from "./snapshot.ts";

/** How a cohort is doing. */
export interface CohortState {
  readonly cohortId: string;
  /** What its members are, as the server says: "User" or a type of group. */
  readonly groupType?: string;
  /** Distinct members; undefined = never downloaded, nobody is in it. */
  readonly size?: number;
  /** As the server has it, in ms. */
  readonly lastModified?: number;
  /** Why the last download failed; the members are those of the last one that did not. */
  readonly error?: string;
}

/** Ids, and the group types that conditions expect. */
export type NamedCohorts = ReadonlyMap<string, string>;

interface Entry {
  /** What conditions expect the members to be; undefined = it is not known yet. */
  expected?: string;
  /** What they are. */
  groupType?: string;
  size?: number;
  lastModified?: number;
  error?: string;
  /** Of the run in which it failed: it is not asked for again before the next poll. */
  failedIn?: AbortSignal;
}

/** How long it is tried to have a cohort, in ms. */
export interface CohortPatience {
  retryMinMillis: number;
  retryMaxMillis: number;
  /** A cohort that is being prepared is asked for again for so long. */
  pendingMillis: number;
}

const PATIENCE: CohortPatience = {
  retryMinMillis: 100,
  retryMaxMillis: 10_000,
  pendingMillis: 60_000,
};
/** As Amplitude's Node SDK. */
const DOWNLOADS_AT_ONCE = 4;
const ATTEMPTS = 3;

/** Who has the members: an engine. */
export interface CohortHolder {
  setCohort(
    cohortId: string,
    groupType: string,
    memberIds: AsyncIterable<string>,
  ): Promise<{ readonly size: number }>;
  removeCohort(cohortId: string): unknown;
}

/** Who keeps the bytes: a snapshot. */
export interface CohortArchive {
  copyOf(cohortId: string): SnapshotCopy;
  dropCohort(cohortId: string): void;
}

export interface CohortSyncOptions {
  api: Pick<CohortApi, "open" | "maxCohortSize"> | undefined;
  engine: CohortHolder;
  log: Log;
  snapshot: CohortArchive | undefined;
  patience?: CohortPatience;
  /** Called when a cohort cannot be had. */
  onError?: (error: unknown) => void;
}

/** Keeps the engine's cohorts as the server has them. */
export class CohortSync {
  readonly #options: CohortSyncOptions;
  readonly #patience: CohortPatience;
  readonly #entries = new Map<string, Entry>();
  readonly #limit = pLimit(DOWNLOADS_AT_ONCE);
  readonly #underWay = new Map<string, Promise<boolean>>();
  #hasWarned = false;

  constructor(options: CohortSyncOptions) {
    this.#options = options;
    this.#patience = options.patience ?? PATIENCE;
  }

  get states(): CohortState[] {
    return Array.from(this.#entries, ([cohortId, entry]) => {
      const { groupType, size, lastModified, error } = entry;
      return { cohortId, groupType, size, lastModified, error };
    });
  }

  /**
   * Before flags go live: downloads the cohorts that they name and that have never come. One that
   * cannot be had holds them up once; then it is left to the next {@link refresh}.
   */
  async prepare(cohorts: NamedCohorts, signal: AbortSignal): Promise<void> {
    for (const [cohortId, groupType] of cohorts) this.#expect(cohortId, groupType);
    const missing = [...cohorts.keys()].filter((cohortId) => {
      const { size, failedIn } = this.#entries.get(cohortId)!;
      return size === undefined && (!failedIn || failedIn.aborted);
    });
    if (missing.length > 0 && !this.#options.api) this.#warn(missing.length);
    await this.#downloadAll(missing, signal);
  }

  /** Asks for all cohorts whether they have changed. Answers whether one has. */
  refresh(signal: AbortSignal): Promise<boolean> {
    return this.#downloadAll([...this.#entries.keys()], signal);
  }

  /** After flags went live: others are not needed any more. */
  keepOnly(cohorts: NamedCohorts): void {
    for (const cohortId of this.#entries.keys()) {
      if (cohorts.has(cohortId)) continue;
      this.#entries.delete(cohortId);
      this.#options.engine.removeCohort(cohortId);
      this.#options.snapshot?.dropCohort(cohortId);
    }
  }

  /** A cohort that is where it should be, by whoever brought it. */
  adopt({ cohortId, groupType, size, lastModified }: CohortState): void {
    this.#entries.set(cohortId, { groupType, size, lastModified });
  }

  /** Takes the cohorts of a snapshot that are not there; damaged ones will be downloaded. */
  async restore(
    snapshot: Pick<Snapshot, "cohortIds" | "cohort">,
    signal: AbortSignal,
  ): Promise<void> {
    for (const cohortId of snapshot.cohortIds) {
      signal.throwIfAborted();
      if (this.#entries.get(cohortId)?.size !== undefined) continue;
      this.#entries.set(cohortId, {});
      try {
        await this.#read(cohortId, snapshot.cohort(cohortId));
      } catch (error) {
        this.#entries.delete(cohortId);
        this.#options.log.warn(`snapshot: cohort ${cohortId} is not used`, error);
      }
    }
  }

  #expect(cohortId: string, expected: string): void {
    const entry = this.#entries.get(cohortId);
    if (entry) entry.expected = expected;
    else this.#entries.set(cohortId, { expected });
  }

  async #downloadAll(cohortIds: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (!this.#options.api) return false;
    const changes = await Promise.all(cohortIds.map((id) => this.#download(id, signal)));
    return changes.includes(true);
  }

  /** Answers whether it has changed; a failure is logged, and the last good members stay. */
  #download(cohortId: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#underWay.get(cohortId);
    if (known) return known;
    const download = this.#tryAll(cohortId, signal).finally(() => {
      this.#underWay.delete(cohortId);
    });
    this.#underWay.set(cohortId, download);
    return download;
  }

  async #tryAll(cohortId: string, signal: AbortSignal): Promise<boolean> {
    const { retryMinMillis, retryMaxMillis } = this.#patience;
    const shallRetry = this.#retries(signal);
    try {
      // Between two attempts others may download.
      const attempt = () => this.#limit(() => this.#tryOnce(cohortId, signal));
      const isChanged = await pRetry(attempt, {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: retryMinMillis,
        maxTimeout: retryMaxMillis,
        signal,
        shouldRetry: ({ error }) => shallRetry(error),
      });
      this.#settle(cohortId, { error: undefined, failedIn: undefined });
      return isChanged;
    } catch (error) {
      if (!signal.aborted) this.#fail(cohortId, error, signal);
      return false;
    }
  }

  /** Whether to try again, after the time for which the server asks. */
  #retries(signal: AbortSignal): (error: unknown) => Promise<boolean> {
    const { retryMaxMillis, pendingMillis } = this.#patience;
    const start = performance.now();
    let failures = 0;
    return async (error) => {
      const isPending = error instanceof CohortPending;
      if (isPending ? performance.now() - start >= pendingMillis : isFinal(error)) return false;
      if (!isPending && ++failures === ATTEMPTS) return false;
      const isAsking = isPending || error instanceof HttpError;
      const millis = isAsking ? error.retryAfterMillis : undefined;
      if (millis) await pause(Math.min(millis, retryMaxMillis), signal);
      return true;
    };
  }

  async #tryOnce(cohortId: string, signal: AbortSignal): Promise<boolean> {
    const { api, snapshot } = this.#options;
    const entry = this.#entries.get(cohortId);
    if (!entry) return false;
    const body = await api!.open(cohortId, entry.lastModified, signal);
    if (!body) {
      // Flags may have dropped the cohort and named it again since it was asked for.
      if (this.#entries.get(cohortId)?.size !== undefined) return false;
      throw new HttpError(`cohort ${cohortId}`, 204);
    }
    const copy = snapshot?.copyOf(cohortId);
    try {
      await this.#read(cohortId, copy ? copy.through(body) : body, api!.maxCohortSize);
    } catch (error) {
      void copy?.discard();
      throw error;
    }
    void (this.#entries.has(cohortId) ? copy?.keep() : copy?.discard());
    return true;
  }

  async #read(
    cohortId: string,
    chunks: AsyncIterable<Uint8Array>,
    sizeMax?: number,
  ): Promise<void> {
    const { engine } = this.#options;
    const entry = this.#entries.get(cohortId);
    const body = new CohortBody(chunks, sizeMax);
    try {
      const groupType = await body.groupType(entry?.groupType ?? entry?.expected ?? "User");
      const { size } = await engine.setCohort(cohortId, groupType, body);
      const { lastModified } = body;
      const isNeeded = this.#settle(cohortId, { groupType, size, lastModified });
      if (!isNeeded) engine.removeCohort(cohortId);
    } catch (error) {
      // The next attempt expects what is there.
      if (error instanceof CohortBodyError && error.groupType) {
        this.#settle(cohortId, { groupType: error.groupType });
      }
      throw error;
    } finally {
      await body.close();
    }
  }

  /** False = flags have dropped the cohort meanwhile. */
  #settle(cohortId: string, news: Partial<Entry>): boolean {
    const entry = this.#entries.get(cohortId);
    if (!entry) return false;
    const { groupType, expected } = Object.assign(entry, news);
    if (news.size !== undefined && expected !== undefined && groupType !== expected) {
      const { log } = this.#options;
      log.warn(`cohort ${cohortId}: conditions expect "${expected}", it is of "${groupType}"`);
    }
    return true;
  }

  #fail(cohortId: string, error: unknown, failedIn: AbortSignal): void {
    const { log, onError } = this.#options;
    const before = this.#entries.get(cohortId)?.error;
    const reason = error instanceof Error ? error.message : String(error);
    if (!this.#settle(cohortId, { error: reason, failedIn })) return;
    const message = `cohort ${cohortId} could not be downloaded`;
    // Each poll would say the same again.
    if (reason === before) log.debug(message, error);
    else log.error(message, error);
    onError?.(error);
  }

  #warn(count: number): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.log.error(`flags name ${count} cohorts, and no cohortSyncConfig is given`);
  }
}

/** Whether another attempt cannot help. */
function isFinal(error: unknown): boolean {
  const isTooMuch = error instanceof CohortTooLarge || error instanceof CohortError;
  return isTooMuch || !isRetriable(error);
}
