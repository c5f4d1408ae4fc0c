import { ConfigError, Engine, type EvaluationFlag } from "../../engine/index.ts";
import { InputError, readFailure } from "../../sdk/input-error.ts";
import { type FileStamp, stampOf, stampsIn } from "./file-stamp.ts";
import { type FlagFile, readFlagFile } from "./flag-file.ts";

/** The files that are there. */
export interface FlagListing {
  /** Differs once one of them has changed. */
  readonly stamp: string;
  readonly files: readonly FileStamp[];
  /** Why they could not be listed. */
  readonly error?: unknown;
}

/** Flags that can be used: as they are, and compiled. */
export interface CompiledFlags {
  readonly flags: readonly EvaluationFlag[];
  readonly image: Uint8Array;
}

/** A file of flags, or a directory of such files, all of whose flags are taken together. */
export class FlagFiles {
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  /** Never throws. */
  async list(): Promise<FlagListing> {
    try {
      const place = await stampOf(this.#place);
      const files = place.kind === "directory" ? await this.#filesBelow() : [place];
      return { files, stamp: JSON.stringify(files) };
    } catch (error) {
      return { files: [], stamp: String(error), error };
    }
  }

  #filesBelow(): Promise<FileStamp[]> {
    return stampsIn(this.#place, (name) => name.endsWith(".json"));
  }

  /** @throws {@link InputError} if they cannot be read, or there is nothing in one to be used */
  async read({ files, error }: FlagListing): Promise<CompiledFlags> {
    if (error !== undefined) throw readFailure(this.#place, error);
    if (files.length === 0) {
      // Where a file was to be mounted and is not, there is an empty directory.
      throw new InputError(this.#place, "", "a file, or a directory with .json files", "none");
    }
    const read: FlagFile[] = [];
    for (const file of files) read.push(await readFlagFile(file));
    checkKeys(read);
    return this.#compile(read);
  }

  #compile(files: readonly FlagFile[]): CompiledFlags {
    const flags = files.flatMap((file) => file.flags);
    try {
      const engine = Engine.loadSync(flags);
      const usable = new Set(engine.flagKeys);
      for (const file of files) checkUse(file, usable);
      return { flags, image: engine.toImage() };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new InputError(this.#place, error.path, error.expected, error.got);
    }
  }
}

function keyOf(flag: EvaluationFlag | null | undefined): unknown {
  return flag?.key;
}

/** In one file the later flag of a key is used, and the engine warns. */
function checkKeys(files: readonly FlagFile[]): void {
  const places = new Map<unknown, string>();
  for (const { path, flags } of files) {
    for (const key of new Set(flags.map(keyOf))) {
      const other = places.get(key);
      if (other !== undefined && typeof key === "string") {
        const got = `the key ${JSON.stringify(key)} of ${other}`;
        throw new InputError(path, "", "keys that no other file has", got);
      }
      places.set(key, path);
    }
  }
}

function checkUse({ path, flags }: FlagFile, usable: ReadonlySet<unknown>): void {
  if (flags.length === 0 || flags.some((flag) => usable.has(keyOf(flag)))) return;
  const [problem] = Engine.loadSync(flags).warnings;
  const where = problem ? `${problem.path}: ${problem.message}` : "expected flags, got others";
  throw new Error(`${path}: ${where}`);
}
