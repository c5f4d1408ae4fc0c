import type { CohortArchive, CohortHolder } from "../../local/cohort-sync.ts";
import type { SnapshotCopy } from "../../local/snapshot.ts";
import type { BlobRef, BlobStore } from "./blob-store.ts";

/** Puts the bytes of cohorts into Redis while they are downloaded. */
export class CohortBlobs implements CohortArchive, CohortHolder {
  readonly #blobs: BlobStore;
  readonly #onFailure: (error: unknown) => void;
  readonly #refs = new Map<string, BlobRef>();

  /** @param onFailure - called when Redis does not take them: flags must not be published then */
  constructor(blobs: BlobStore, onFailure: (error: unknown) => void) {
    this.#blobs = blobs;
    this.#onFailure = onFailure;
  }

  /** Where a cohort lies; undefined = it was never had. */
  find(cohortId: string): BlobRef | undefined {
    return this.#refs.get(cohortId);
  }

  /** It is there already. */
  adopt(cohortId: string, ref: BlobRef): void {
    this.#refs.set(cohortId, ref);
  }

  /** Counts: nobody evaluates here. */
  async setCohort(
    _cohortId: string,
    _groupType: string,
    memberIds: AsyncIterable<string>,
  ): Promise<{ size: number }> {
    let size = 0;
    for await (const _ of memberIds) size++;
    return { size };
  }

  removeCohort(): void {}

  copyOf(cohortId: string): SnapshotCopy {
    const draft = this.#blobs.begin();
    let ref: BlobRef | undefined;
    const attempt = async <Result>(write: () => Promise<Result>): Promise<Result> => {
      try {
        return await write();
      } catch (error) {
        this.#onFailure(error);
        throw error;
      }
    };
    return {
      through: async function* (chunks) {
        for await (const chunk of chunks) {
          await attempt(() => draft.append(chunk));
          yield chunk;
        }
        ref = await attempt(() => draft.finish());
      },
      keep: async () => {
        if (!ref) return;
        const known = this.#refs.get(cohortId);
        // Who has these bytes need not read them again.
        if (known?.sha256 === ref.sha256) await draft.discard();
        else this.#refs.set(cohortId, ref);
      },
      discard: () => draft.discard(),
    };
  }

  dropCohort(cohortId: string): void {
    this.#refs.delete(cohortId);
  }
}
