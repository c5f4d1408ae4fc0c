// The last good flags and cohorts on disk, for a start without a network.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../sdk/log.ts";
import { SnapshotDraft } from "./snapshot-draft.ts";
import { Manifest } from "./snapshot-manifest.ts";

const FLAGS = "flags";
/** Only its owner may enter: what it holds is personal. */
const MODE = 0o700;
/** Another process may be about to name a file of this age. */
const ORPHAN_MIN_AGE_MILLIS = 60_000;
const LOAD_RETRIES = 5;

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Any id is a file name of its own. */
function stemOf(cohortId: string): string {
  return `cohort-${digestOf(cohortId).slice(0, 32)}`;
}

/** A file says itself what its bytes must be, so that there is always one to be found. */
function nameOf(stem: string, digest: string): string {
  return `${stem}.${digest}.json`;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** A cohort's bytes on their way into a snapshot. */
export interface SnapshotCopy {
  /** Passes the bytes on. */
  through(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** They are good: from now on they are what the snapshot has. */
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * A directory: each file is written under another name and then put in its place, its name has the
 * SHA-256 of its bytes, and `snapshot.json` names those that belong together. So whoever is killed
 * leaves the last good state, and of two processes with one directory neither needs to know of the
 * other. Nothing here throws but {@link cohort}: what cannot be written or read is logged.
 */
export class Snapshot {
  readonly #path: string;
  readonly #log: Log;
  #manifest = new Manifest();
  /** Cohorts that the flags to come do not name. */
  readonly #dropped = new Set<string>();
  /** Of cohorts whose newest bytes are not in their place, or cannot be: these. */
  readonly #newer = new Map<string, SnapshotDraft | undefined>();
  #flagsToKeep: string | undefined;
  #tasks: Promise<void> = Promise.resolve();
  #isFailing = false;

  /** @internal called when a cohort is in its place */
  onCohortPlaced: () => void = () => {};

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Reads what was left, and removes what is of no use; the flags' text, if they are intact. */
  async load(retries = LOAD_RETRIES): Promise<{ flags: string; savedAt: number } | undefined> {
    try {
      const names = await readdir(this.#path);
      const manifest = await this.#readManifest();
      this.#manifest = manifest ?? new Manifest();
      const flags = await this.#loadFlags();
      if (manifest) await this.#removeLeftovers(names);
      return flags;
    } catch (error) {
      // Another process may replace a file before it is read: then its own is there.
      if (isMissing(error) && retries > 0) return this.load(retries - 1);
      if (!isMissing(error)) this.#log.warn("snapshot: it cannot be read", error);
      return undefined;
    }
  }

  /** The bytes of a cohort that was left; ends with an error if they are damaged. */
  async *cohort(cohortId: string): AsyncGenerator<Uint8Array> {
    const known = this.#manifest.cohorts.get(cohortId);
    const [digest] = await this.#digestsOf(stemOf(cohortId), known);
    if (!digest) throw new Error(`snapshot: no cohort ${cohortId}`);
    const hash = createHash("sha256");
    const path = join(this.#path, nameOf(stemOf(cohortId), digest));
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest("hex") !== digest) throw new Error(`snapshot: cohort ${cohortId} is damaged`);
    this.#manifest.cohorts.set(cohortId, digest);
  }

  /**
   * Where the bytes of a cohort lie that were kept last, and their SHA-256; undefined = they are
   * not there, or not in place yet.
   */
  fileOf(cohortId: string): { path: string; digest: string } | undefined {
    const digest = this.#manifest.cohorts.get(cohortId);
    if (digest === undefined || this.#newer.has(cohortId)) return undefined;
    return { path: join(this.#path, nameOf(stemOf(cohortId), digest)), digest };
  }

  /** The cohorts that were left. */
  get cohortIds(): string[] {
    return [...this.#manifest.cohorts.keys()];
  }

  /** Of several that come while the disk is busy only the last ones are written. */
  keepFlags(text: string): Promise<void> {
    const isQueued = this.#flagsToKeep !== undefined;
    this.#flagsToKeep = text;
    return isQueued ? this.#tasks : this.#enqueue(() => this.#writeFlags());
  }

  /** To be filled while a cohort is downloaded. */
  copyOf(cohortId: string): SnapshotCopy {
    let draft: SnapshotDraft | undefined;
    let isWhole = false;
    const attempt = async (write: () => Promise<void>) => {
      try {
        await write();
      } catch (error) {
        this.#fail(error);
        await draft?.discard();
        draft = undefined;
      }
    };
    const through = async function* (this: Snapshot, chunks: AsyncIterable<Uint8Array>) {
      await attempt(async () => {
        await mkdir(this.#path, { recursive: true, mode: MODE });
        draft = await SnapshotDraft.begin(this.#path, stemOf(cohortId));
      });
      for await (const chunk of chunks) {
        await attempt(async () => draft?.append(chunk));
        yield chunk;
      }
      isWhole = true;
    };
    return {
      through: through.bind(this),
      keep: async () => {
        this.#newer.set(cohortId, draft);
        if (draft && isWhole) await this.#enqueue(() => this.#placeCohort(cohortId, draft!));
      },
      discard: async () => draft?.discard(),
    };
  }

  /** Together with the next flags, as those that are kept may still name the cohort. */
  dropCohort(cohortId: string): void {
    this.#dropped.add(cohortId);
  }

  /** Resolves when everything has been written. */
  flush(): Promise<void> {
    return this.#tasks;
  }

  /** Undefined = it is damaged: then it is not known what nobody needs. */
  async #readManifest(): Promise<Manifest | undefined> {
    try {
      return Manifest.parse(await readFile(join(this.#path, Manifest.NAME), "utf8"));
    } catch (error) {
      if (isMissing(error)) return new Manifest();
      this.#log.warn("snapshot: the manifest is damaged", error);
      return undefined;
    }
  }

  async #loadFlags(): Promise<{ flags: string; savedAt: number } | undefined> {
    const known = this.#manifest.flags;
    for (const digest of await this.#digestsOf(FLAGS, known)) {
      const path = join(this.#path, nameOf(FLAGS, digest));
      const flags = await readFile(path, "utf8");
      if (digestOf(flags) !== digest) {
        this.#log.warn("snapshot: the flags are damaged and not used");
        continue;
      }
      const savedAt = digest === known ? this.#manifest.savedAt : (await stat(path)).mtimeMs;
      this.#manifest.flags = digest;
      this.#manifest.savedAt = savedAt;
      return { flags, savedAt };
    }
    return undefined;
  }

  /** Of the files with a stem: first the one that is known, then the newest. */
  async #digestsOf(stem: string, known: string | undefined): Promise<string[]> {
    const names = (await readdir(this.#path)).filter((name) => name.startsWith(`${stem}.`));
    const found: { digest: string; time: number }[] = [];
    for (const name of names) {
      const digest = /\.([0-9a-f]{64})\.json$/.exec(name)?.[1];
      const time = digest && (await stat(join(this.#path, name)).catch(() => undefined))?.mtimeMs;
      if (!digest || time === undefined) continue;
      found.push({ digest, time: digest === known ? Number.POSITIVE_INFINITY : Number(time) });
    }
    return found.sort((a, b) => b.time - a.time).map(({ digest }) => digest);
  }

  /** What writers have left who were killed. */
  async #removeLeftovers(names: readonly string[]): Promise<void> {
    const { flags, cohorts } = this.#manifest;
    const kept = new Set(Array.from(cohorts, ([id, digest]) => nameOf(stemOf(id), digest)));
    if (flags) kept.add(nameOf(FLAGS, flags));
    for (const name of names) {
      const path = join(this.#path, name);
      try {
        const isOurs = /^(flags|cohort-[0-9a-f]{32})\.[0-9a-f]{64}\.json$/.test(name);
        const isOrphan =
          isOurs &&
          !kept.has(name) &&
          (await stat(path)).mtimeMs < Date.now() - ORPHAN_MIN_AGE_MILLIS;
        if (isOrphan || (await SnapshotDraft.isAbandoned(this.#path, name))) await rm(path);
      } catch (error) {
        this.#log.debug(`snapshot: ${name} stays`, error);
      }
    }
  }

  async #writeFlags(): Promise<void> {
    const text = this.#flagsToKeep!;
    this.#flagsToKeep = undefined;
    const dropped = [...this.#dropped];
    const { flags: old } = this.#manifest;
    const digest = await this.#place(FLAGS, text);
    this.#manifest.flags = digest;
    this.#manifest.savedAt = Date.now();
    const outdated = old && old !== digest ? [nameOf(FLAGS, old)] : [];
    for (const cohortId of dropped) {
      const cohort = this.#manifest.cohorts.get(cohortId);
      if (cohort) outdated.push(nameOf(stemOf(cohortId), cohort));
      this.#manifest.cohorts.delete(cohortId);
      this.#dropped.delete(cohortId);
    }
    await this.#writeManifest(outdated);
  }

  async #placeCohort(cohortId: string, draft: SnapshotDraft): Promise<void> {
    try {
      const digest = await draft.place((digest) => nameOf(stemOf(cohortId), digest));
      const old = this.#manifest.cohorts.get(cohortId);
      this.#manifest.cohorts.set(cohortId, digest);
      this.#dropped.delete(cohortId);
      await this.#writeManifest(old && old !== digest ? [nameOf(stemOf(cohortId), old)] : []);
    } catch (error) {
      await draft.discard();
      throw error;
    }
    if (this.#newer.get(cohortId) === draft) this.#newer.delete(cohortId);
    this.onCohortPlaced();
  }

  /** Only then nobody needs the outdated ones. */
  async #writeManifest(outdated: readonly string[]): Promise<void> {
    await this.#place(Manifest.NAME, this.#manifest.text, () => Manifest.NAME);
    for (const name of outdated) await rm(join(this.#path, name), { force: true });
    this.#isFailing = false;
  }

  async #place(
    stem: string,
    text: string,
    name = (digest: string) => nameOf(stem, digest),
  ): Promise<string> {
    await mkdir(this.#path, { recursive: true, mode: MODE });
    const draft = await SnapshotDraft.begin(this.#path, stem);
    try {
      await draft.append(text);
      return await draft.place(name);
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }

  /** One after the other. */
  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#tasks = this.#tasks.then(task).catch((error) => this.#fail(error));
    return this.#tasks;
  }

  /** Says so once, until it works again. */
  #fail(error: unknown): void {
    if (!this.#isFailing) this.#log.warn("snapshot: it cannot be written", error);
    this.#isFailing = true;
  }
}
