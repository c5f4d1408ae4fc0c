import { Engine, type EvaluationFlag } from "../../engine/index.ts";
import { cohortsNamedBy } from "../../local/named-cohorts.ts";
import { Log, type LogOptions } from "../../sdk/log.ts";
import { Listeners } from "../listeners.ts";
import type { Source, SourceState } from "../source.ts";
import { CohortFolder } from "./cohort-folder.ts";
import { Complaints } from "./complaints.ts";
import { FileWatch } from "./file-watch.ts";
import { type CompiledFlags, FlagFiles, type FlagListing } from "./flag-files.ts";

export interface FileSourceOptions {
  /** A JSON file: a flag, a list, or an object by key; or a directory of `.json` files. */
  flags: string;
  /** A directory: `<cohortId>.txt`, `<cohortId>.json`, `<groupType>/<cohortId>.txt`. */
  cohorts?: string;
  /** Whether workers can attach to flags and cohorts. Default: false. */
  shared?: boolean;
  log?: LogOptions;
  /** Milliseconds between two looks at the files; an edit is live after two. Default: 250. */
  intervalMillis?: number;
}

const INTERVAL_MILLIS = 250;
/** For so long flags wait for the end of a new cohort's file. */
const COHORT_PATIENCE_MILLIS = 10_000;
/** So often files that change with every look are waited for, then read between changes. */
const RESTLESS_LOOKS_MAX = 8;
/** Of cohorts that are missing the state tells. */
const UNLOGGED = "unknown-cohort";

/** Flags and cohorts of files: an edit is live once they rest; one that is broken is not. */
export class FileSource implements Source {
  readonly engine: Engine;
  readonly #place: string;
  readonly #log: Log;
  readonly #files: FlagFiles;
  readonly #cohorts: CohortFolder | undefined;
  readonly #watch: FileWatch;
  readonly #listeners: Listeners;
  readonly #flagComplaints: Complaints;
  readonly #cohortComplaints: Complaints;
  #flags: string | undefined;
  #confirmedAt: number | undefined;
  /** Stamps of all flag files: of the last look, and with which they were read. */
  #seen: string | undefined;
  #read: string | undefined;
  /** Looks, one after the other, of which each has seen other stamps. */
  #restlessLooks = 0;
  /** Since when flags wait for a cohort. */
  #heldSince: number | undefined;
  #life: AbortController | undefined;
  #starting: Promise<void> | undefined;
  #watching: Promise<void> | undefined;

  /** @throws Error if no path is given */
  constructor(options: FileSourceOptions) {
    const { flags, cohorts, shared, log, intervalMillis = INTERVAL_MILLIS } = options;
    if (!flags) throw new Error("flags: expected a path, got an empty text");
    if (cohorts === "") throw new Error("cohorts: expected a path, got an empty text");
    this.engine = Engine.loadSync([], { shared });
    this.#place = flags;
    this.#log = new Log(log ?? {}, []);
    this.#listeners = new Listeners(this.#log);
    this.#files = new FlagFiles(flags);
    this.#flagComplaints = new Complaints(this.#log);
    this.#cohortComplaints = new Complaints(this.#log);
    this.#cohorts = cohorts
      ? new CohortFolder(cohorts, this.engine, this.#cohortComplaints)
      : undefined;
    this.#watch = new FileWatch((signal) => this.#look(signal), intervalMillis);
  }

  get flags(): string | undefined {
    return this.#flags;
  }

  get state(): SourceState {
    const [flagError] = this.#flagComplaints.messages;
    const [cohortError, ...others] = this.#cohortComplaints.messages;
    const more = others.length > 0 ? ` (and ${others.length} more)` : "";
    return {
      kind: "file",
      place: this.#place,
      digest: this.#flags === undefined ? undefined : this.engine.digest,
      confirmedAt: this.#confirmedAt,
      isStale: flagError !== undefined,
      lastError: flagError ?? (cohortError && cohortError + more),
      warnings: this.engine.warnings,
      cohorts: this.#cohorts?.files ?? [],
    };
  }

  /**
   * Resolves when flags and cohorts are live; then goes on looking for edits, until {@link stop}.
   *
   * @throws InputError if the flags are missing or broken, or there is no directory of cohorts
   */
  start(): Promise<void> {
    if (!this.#starting) {
      this.#life = new AbortController();
      this.#starting = this.#start(this.#life.signal);
    }
    return this.#starting;
  }

  async #start(signal: AbortSignal): Promise<void> {
    try {
      await this.#watching;
      await this.#cohorts?.begin(signal);
      const listing = await this.#files.list();
      const compiled = await this.#files.read(listing);
      signal.throwIfAborted();
      this.#flagComplaints.settle(this.#place);
      this.#apply(compiled);
      // They are read once more, as a file may change right now and look as it did.
      this.#seen = listing.stamp;
      this.#read = undefined;
      this.#listeners.tell();
      this.#watching = this.#watch.run(signal);
    } catch (error) {
      if (this.#life?.signal === signal) this.#end();
      throw error;
    }
  }

  /** Ends looking; the last flags stay, and {@link start} may be called again. */
  async stop(): Promise<void> {
    const starting = this.#starting;
    this.#end();
    await starting?.catch(() => {});
    await this.#watching;
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  #end(): void {
    this.#life?.abort(new DOMException("the source was stopped", "AbortError"));
    this.#life = undefined;
    this.#starting = undefined;
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      const hasNews = await this.#cohorts?.refresh(signal);
      signal.throwIfAborted();
      const hasFlags = await this.#refreshFlags();
      const hasLess = this.#cohorts?.removeGone();
      if (hasNews || hasFlags || hasLess) this.#listeners.tell();
    } catch (error) {
      if (!signal.aborted) this.#log.error("looking for edits has failed", error);
    }
  }

  /** Answers whether flags, or what is wrong with them, have changed. */
  async #refreshFlags(): Promise<boolean> {
    const listing = await this.#files.list();
    const isSettled = listing.stamp === this.#seen;
    this.#seen = listing.stamp;
    if (listing.stamp === this.#read) {
      if (!this.#flagComplaints.has(this.#place)) this.#confirmedAt = Date.now();
      return false;
    }
    this.#restlessLooks = isSettled ? 0 : this.#restlessLooks + 1;
    // What is being written is not whole.
    if (!isSettled && this.#restlessLooks < RESTLESS_LOOKS_MAX) return false;
    const outcome = await this.#tryRead(listing);
    const now = await this.#files.list();
    if (now.stamp !== listing.stamp) return false;
    if ("error" in outcome) {
      // Between two writes it may be half a file, but not each time.
      if (!isSettled && this.#restlessLooks < 2 * RESTLESS_LOOKS_MAX) return false;
      this.#restlessLooks = 0;
      this.#read = listing.stamp;
      return this.#flagComplaints.report(this.#place, outcome.error);
    }
    this.#restlessLooks = 0;
    if (this.#mustWait(outcome.flags)) return false;
    this.#read = listing.stamp;
    try {
      const isChanged = this.#apply(outcome);
      return this.#flagComplaints.settle(this.#place) || isChanged;
    } catch (error) {
      return this.#flagComplaints.report(this.#place, error);
    }
  }

  async #tryRead(listing: FlagListing): Promise<CompiledFlags | { error: unknown }> {
    try {
      return await this.#files.read(listing);
    } catch (error) {
      return { error };
    }
  }

  /** Whether flags name a cohort whose file is not whole yet. */
  #mustWait(flags: readonly EvaluationFlag[]): boolean {
    const named = [...cohortsNamedBy(flags).keys()];
    if (!named.some((cohortId) => this.#cohorts?.isAwaited(cohortId))) {
      this.#heldSince = undefined;
      return false;
    }
    this.#heldSince ??= performance.now();
    return performance.now() - this.#heldSince < COHORT_PATIENCE_MILLIS;
  }

  #apply({ flags, image }: CompiledFlags): boolean {
    this.#confirmedAt = Date.now();
    const text = JSON.stringify(flags);
    if (text === this.#flags) return false;
    const { changed, warnings } = this.engine.update(image);
    this.#flags = text;
    this.#log.debug(`${flags.length} flags are live, ${changed.length} have changed`);
    for (const { code, path, message } of warnings) {
      if (code !== UNLOGGED) this.#log.warn(`${path}: ${message}`);
    }
    return true;
  }
}
