import { basename, join } from "node:path";
import { InputError, readFailure } from "../../sdk/input-error.ts";
import type { CohortFile } from "../source.ts";
import { type FileStamp, stampOf, stampsIn } from "./file-stamp.ts";

/** A file that is named as one with a cohort. */
export interface ListedCohort {
  readonly cohortId: string;
  /** Of the directory in which it is; undefined = that does not say. */
  readonly groupType: string | undefined;
  readonly format: CohortFile["format"];
  readonly file: FileStamp;
}

const FORMATS: Readonly<Record<string, CohortFile["format"]>> = {
  ".txt": "lines",
  ".json": "json",
};

/**
 * The cohorts of a directory, by the names of files: `<cohortId>.txt` and `<cohortId>.json`, those
 * of groups in a directory named as the type of group; names are percent-encoded where they must.
 */
export class CohortListing {
  /** By cohort id. */
  readonly cohorts = new Map<string, ListedCohort>();
  /** By path: what cannot be used. */
  readonly problems = new Map<string, unknown>();

  private constructor() {}

  /** @throws {@link InputError} if there is no such directory */
  static async of(place: string): Promise<CohortListing> {
    const { kind, stamp } = await stampOf(place);
    if (kind !== "directory") {
      const got = kind === "none" ? `none (${stamp})` : "a file";
      throw new InputError(place, "", "a directory of cohorts", got);
    }
    const listing = new CohortListing();
    try {
      await listing.#add(place, undefined);
    } catch (error) {
      throw readFailure(place, error);
    }
    return listing;
  }

  async #add(directory: string, groupType: string | undefined): Promise<void> {
    for (const file of await stampsIn(directory)) {
      try {
        if (file.kind !== "directory") this.#addFile(file, groupType);
        else if (groupType === undefined)
          await this.#add(file.path, decoded(basename(file.path), file.path));
        else throw new InputError(file.path, "", "files of cohorts", "a directory");
      } catch (error) {
        this.problems.set(file.path, readFailure(file.path, error));
      }
    }
  }

  #addFile(file: FileStamp, groupType: string | undefined): void {
    const name = basename(file.path);
    const suffix = name.slice(name.lastIndexOf("."));
    if (!Object.hasOwn(FORMATS, suffix)) return;
    const cohortId = decoded(name.slice(0, -suffix.length), file.path);
    const other = this.cohorts.get(cohortId);
    if (other) {
      const got = `that of ${other.file.path}`;
      throw new InputError(file.path, "", "a cohort that no other file has", got);
    }
    this.cohorts.set(cohortId, { cohortId, groupType, format: FORMATS[suffix], file });
  }

  /** Whether a file that is not listed may still be there. */
  mayHave(path: string): boolean {
    return this.problems.has(path) || this.problems.has(join(path, ".."));
  }
}

function decoded(name: string, path: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new InputError(path, "", "a percent-encoded name", "another one");
  }
}
