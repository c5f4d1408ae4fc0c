import type { BlobRef } from "./blob-store.ts";

/** A cohort as the leader has downloaded it. */
export interface PublishedCohort {
  readonly blob: BlobRef;
  readonly groupType: string;
  readonly size: number;
  /** As upstream says; undefined = it does not. */
  readonly lastModified: number | undefined;
}

/** Flags and cohorts that belong together. */
export interface Publication {
  /** Of the flags, once compiled. */
  readonly digest: string;
  /** Their JSON, as upstream sends it. */
  readonly flags: BlobRef;
  readonly image: BlobRef;
  readonly cohorts: ReadonlyMap<string, PublishedCohort>;
}

/** What lies in Redis is no publication. */
export class PublicationError extends Error {
  override readonly name = "PublicationError";

  constructor(what: string) {
    super(`the publication in Redis is none of Halyard's: ${what}`);
  }
}

const FORMAT = 1;

/** The blobs that a publication needs. */
export function blobsOf({ flags, image, cohorts }: Publication): BlobRef[] {
  return [flags, image, ...Array.from(cohorts.values(), ({ blob }) => blob)];
}

/** Equal texts for equal publications. */
export function textOf({ digest, flags, image, cohorts }: Publication): string {
  const sorted = [...cohorts].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ format: FORMAT, digest, flags, image, cohorts: sorted });
}

/** @throws {@link PublicationError} for anything else */
export function parsePublication(text: string): Publication {
  const json = jsonOf(text);
  if (json.format !== FORMAT) throw new PublicationError(`expected format ${FORMAT}`);
  const { digest, cohorts } = json;
  if (typeof digest !== "string" || !/^[0-9a-f]{16}$/.test(digest)) {
    throw new PublicationError("expected a digest");
  }
  if (!Array.isArray(cohorts)) throw new PublicationError("expected a list of cohorts");
  return {
    digest,
    flags: blobOf(json.flags, "flags"),
    image: blobOf(json.image, "image"),
    cohorts: new Map(cohorts.map(cohortOf)),
  };
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    const json = JSON.parse(text);
    if (typeof json === "object" && json !== null) return json;
  } catch {
    // As below.
  }
  throw new PublicationError("expected a JSON object");
}

function blobOf(value: unknown, what: string): BlobRef {
  const { id, sha256, size } = (value ?? {}) as Record<string, unknown>;
  const isBlob =
    typeof id === "string" &&
    typeof sha256 === "string" &&
    /^[0-9a-f]{32}$/.test(id) &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    isCount(size);
  if (!isBlob) throw new PublicationError(`expected the blob of the ${what}`);
  return { id, sha256, size };
}

function cohortOf(entry: unknown): [string, PublishedCohort] {
  const [cohortId, value] = Array.isArray(entry) ? entry : [];
  const { blob, groupType, size, lastModified } = (value ?? {}) as Record<string, unknown>;
  const isCohort =
    typeof cohortId === "string" &&
    typeof groupType === "string" &&
    isCount(size) &&
    (lastModified === undefined || Number.isSafeInteger(lastModified));
  if (!isCohort) throw new PublicationError("expected cohorts with id, group type and size");
  const cohort = { groupType, size, lastModified: lastModified as number | undefined };
  return [cohortId, { blob: blobOf(blob, "cohort"), ...cohort }];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
