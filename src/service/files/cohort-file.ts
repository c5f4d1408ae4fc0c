import { CohortError, type Engine } from "../../engine/index.ts";
import { CohortBody, CohortBodyError } from "../../local/cohort-body.ts";
import { InputError, readFailure } from "../../sdk/input-error.ts";
import type { CohortFile } from "../source.ts";
import { idsOfList, onlyUtf8, openJson } from "./cohort-json.ts";
import { idsOfLines } from "./cohort-lines.ts";
import type { ListedCohort } from "./cohort-listing.ts";
import { stampOf } from "./file-stamp.ts";

/** A file was written while it was read. */
export class FileChanged extends Error {
  override readonly name = "FileChanged";
}

const USERS = "User";

/** Reads one file into an engine, in which the old cohort stays until the file has ended. */
export class CohortReader {
  readonly #engine: Pick<Engine, "setCohort">;
  readonly #cohort: ListedCohort;
  readonly #notBefore: number;
  readonly #signal: AbortSignal;

  /** @param notBefore - when the members are modified at the earliest, if the file does not say */
  constructor(
    engine: Pick<Engine, "setCohort">,
    cohort: ListedCohort,
    notBefore: number,
    signal: AbortSignal,
  ) {
    this.#engine = engine;
    this.#cohort = cohort;
    this.#notBefore = notBefore;
    this.#signal = signal;
  }

  /** @throws {@link FileChanged}; else an Error whose message begins with the path */
  async read(): Promise<CohortFile> {
    const { file, format } = this.#cohort;
    const { path, kind } = file;
    if (kind === "other") throw new InputError(path, "", "a file", "something else");
    try {
      return await (format === "lines" ? this.#readLines() : this.#readJson());
    } catch (error) {
      this.#signal.throwIfAborted();
      // What is wrong with a half of a file is of no interest.
      await this.#mustBeUnchanged();
      throw withPath(path, error);
    }
  }

  #readLines(): Promise<CohortFile> {
    const ids = idsOfLines(this.#cohort.file.path, this.#signal);
    return this.#take(this.#cohort.groupType ?? USERS, ids);
  }

  async #readJson(expected = this.#cohort.groupType ?? USERS): Promise<CohortFile> {
    const { isList, chunks } = await openJson(this.#cohort.file.path, this.#signal);
    const bytes = onlyUtf8(chunks);
    if (isList) return this.#take(expected, idsOfList(bytes));
    const body = new CohortBody(bytes);
    try {
      const groupType = await body.groupType(expected);
      this.#checkGroupType(groupType);
      return await this.#take(groupType, body, () => this.#lastModifiedOf(body));
    } catch (error) {
      // It may say only at its end what its members are.
      const said = error instanceof CohortBodyError ? error.groupType : undefined;
      if (said === undefined) throw error;
      this.#checkGroupType(said);
      return await this.#readJson(said);
    } finally {
      await body.close();
    }
  }

  #checkGroupType(got: string): void {
    const { groupType } = this.#cohort;
    if (groupType === undefined || groupType === got) return;
    const expected = `${JSON.stringify(groupType)}, as its directory is named`;
    throw new InputError(this.#cohort.file.path, "groupType", expected, JSON.stringify(got));
  }

  #lastModifiedOf({ cohortId, lastModified }: CohortBody): number | undefined {
    if (cohortId !== undefined && cohortId !== this.#cohort.cohortId) {
      const expected = `${JSON.stringify(this.#cohort.cohortId)}, as the file is named`;
      const got = JSON.stringify(cohortId);
      throw new InputError(this.#cohort.file.path, "cohortId", expected, got);
    }
    return lastModified;
  }

  /** @param timeOf - called when all ids have come; undefined = when the file was modified */
  async #take(
    groupType: string,
    ids: AsyncIterable<string>,
    timeOf: () => number | undefined = () => undefined,
  ): Promise<CohortFile> {
    const { cohortId, file, format } = this.#cohort;
    const { path, mtimeMs } = file;
    let lastModified = Math.max(Math.floor(mtimeMs), this.#notBefore);
    const checked = async function* (this: CohortReader) {
      yield* ids;
      lastModified = timeOf() ?? lastModified;
      await this.#mustBeUnchanged();
    };
    const { size } = await this.#engine.setCohort(cohortId, groupType, checked.call(this));
    return { cohortId, groupType, size, lastModified, path, format };
  }

  async #mustBeUnchanged(): Promise<void> {
    const { path, stamp } = this.#cohort.file;
    if ((await stampOf(path)).stamp !== stamp) throw new FileChanged(path);
  }
}

function withPath(path: string, error: unknown): unknown {
  if (error instanceof InputError || error instanceof FileChanged) return error;
  const failure = error instanceof CohortError ? error : readFailure(path, error);
  if (failure !== error) return failure;
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`${path}: ${message}`, { cause: error });
}
