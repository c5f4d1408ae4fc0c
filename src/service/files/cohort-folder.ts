import type { Engine } from "../../engine/index.ts";
import type { CohortFile } from "../source.ts";
import { CohortReader, FileChanged } from "./cohort-file.ts";
import { CohortListing, type ListedCohort } from "./cohort-listing.ts";
import type { Complaints } from "./complaints.ts";

/** At the start: a file of this age may be written again, and look as it does. */
const YOUNG_MILLIS = 1000;

/** Keeps the engine's cohorts as the files of a directory have them. */
export class CohortFolder {
  readonly #place: string;
  readonly #engine: Pick<Engine, "setCohort" | "removeCohort">;
  readonly #complaints: Complaints;
  /** By cohort id. */
  readonly #live = new Map<string, { cohort: CohortFile; stamp: string }>();
  /** By path, the stamps: of the last look, and with which a file was read. */
  #seen = new Map<string, string>();
  readonly #read = new Map<string, string>();
  #listing: CohortListing | undefined;
  /** Ids of cohorts of which there was no file at the last look. */
  #absent = new Set<string>();

  constructor(
    place: string,
    engine: Pick<Engine, "setCohort" | "removeCohort">,
    complaints: Complaints,
  ) {
    this.#place = place;
    this.#engine = engine;
    this.#complaints = complaints;
  }

  /** The cohorts that are live. */
  get files(): CohortFile[] {
    return Array.from(this.#live.values(), ({ cohort }) => cohort);
  }

  /** Whether a file is there that has not come to its end. */
  isAwaited(cohortId: string): boolean {
    const listed = this.#listing?.cohorts.get(cohortId);
    return listed !== undefined && !this.#live.has(cohortId) && !this.#isRead(listed);
  }

  /**
   * Reads all files.
   *
   * @throws InputError if there is no such directory
   */
  async begin(signal: AbortSignal): Promise<void> {
    const listing = await CohortListing.of(this.#place);
    this.#note(listing);
    for (const cohort of listing.cohorts.values()) {
      await this.#take(cohort, signal);
      if (Date.now() - cohort.file.mtimeMs < YOUNG_MILLIS) this.#read.delete(cohort.file.path);
    }
  }

  /** Reads the files that have changed and are as they were at the last look. */
  async refresh(signal: AbortSignal): Promise<boolean> {
    let listing: CohortListing;
    try {
      listing = await CohortListing.of(this.#place);
    } catch (error) {
      this.#listing = undefined;
      return this.#complaints.report(this.#place, error);
    }
    const seen = this.#seen;
    let isChanged = this.#note(listing);
    for (const cohort of listing.cohorts.values()) {
      const { path, stamp } = cohort.file;
      if (this.#isRead(cohort) || seen.get(path) !== stamp) continue;
      isChanged = (await this.#take(cohort, signal)) || isChanged;
    }
    return isChanged;
  }

  /** After flags went live: the cohorts without a file, at two looks, as it may be replaced. */
  removeGone(): boolean {
    const listing = this.#listing;
    if (!listing) return false;
    const absent = this.files.filter(
      ({ cohortId, path }) => !listing.cohorts.has(cohortId) && !listing.mayHave(path),
    );
    const gone = absent.filter(({ cohortId }) => this.#absent.has(cohortId));
    for (const { cohortId } of gone) {
      this.#live.delete(cohortId);
      this.#engine.removeCohort(cohortId);
    }
    this.#absent = new Set(absent.map(({ cohortId }) => cohortId));
    return gone.length > 0;
  }

  #isRead({ file: { path, stamp } }: ListedCohort): boolean {
    return this.#read.get(path) === stamp;
  }

  /** Answers whether what is wrong has changed. */
  #note(listing: CohortListing): boolean {
    this.#listing = listing;
    const stamps = Array.from(listing.cohorts.values(), ({ file }) => file);
    this.#seen = new Map(stamps.map(({ path, stamp }) => [path, stamp]));
    for (const path of this.#read.keys()) if (!this.#seen.has(path)) this.#read.delete(path);
    let isChanged = this.#complaints.settleAllBut(
      (path) => this.#seen.has(path) || listing.problems.has(path),
    );
    for (const [path, error] of listing.problems) {
      isChanged = this.#complaints.report(path, error) || isChanged;
    }
    return isChanged;
  }

  async #take(cohort: ListedCohort, signal: AbortSignal): Promise<boolean> {
    const { cohortId, file } = cohort;
    this.#read.set(file.path, file.stamp);
    try {
      const live = this.#live.get(cohortId);
      const isOther = live?.cohort.path !== file.path || live.stamp !== file.stamp;
      // Whoever has the old members has to learn that there are others, even older ones.
      const notBefore = live ? live.cohort.lastModified + (isOther ? 1 : 0) : 0;
      const read = await new CohortReader(this.#engine, cohort, notBefore, signal).read();
      this.#live.set(cohortId, { cohort: read, stamp: file.stamp });
      return this.#complaints.settle(file.path) || isOther;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FileChanged)) return this.#complaints.report(file.path, error);
      this.#read.delete(file.path);
      return false;
    }
  }
}
