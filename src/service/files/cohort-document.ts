import type { CohortFile } from "../source.ts";
import { openJson } from "./cohort-json.ts";
import { idsOfLines } from "./cohort-lines.ts";
import { stampOf } from "./file-stamp.ts";

/** The file is another one than the cohort was read from: there is, or will be, a newer cohort. */
export class CohortReplaced extends Error {
  override readonly name = "CohortReplaced";
}

/** Characters of a part. */
const PART_SIZE = 65_536;

/**
 * A cohort's body as Amplitude's cohort server sends it, part by part.
 *
 * @throws {@link CohortReplaced}, before the first part or the last one; what reading throws
 */
export async function* readCohort(cohort: CohortFile): AsyncGenerator<Uint8Array> {
  if (cohort.format === "lines") {
    yield* written(cohort);
    return;
  }
  const { isList, chunks } = await openJson(cohort.path);
  if (!isList) {
    yield* chunks;
    return;
  }
  try {
    await mustBeThere(cohort);
    yield Buffer.from(headOf(cohort));
    yield* chunks;
    await mustBeThere(cohort);
    yield Buffer.from("}");
  } finally {
    await chunks.return(undefined);
  }
}

async function* written(cohort: CohortFile): AsyncGenerator<Uint8Array> {
  await mustBeThere(cohort);
  let part = `${headOf(cohort)}[`;
  let separator = "";
  for await (const id of idsOfLines(cohort.path)) {
    part += separator + JSON.stringify(id);
    separator = ",";
    if (part.length < PART_SIZE) continue;
    yield Buffer.from(part);
    part = "";
  }
  await mustBeThere(cohort);
  yield Buffer.from(`${part}]}`);
}

/** Up to the members. */
function headOf({ cohortId, groupType, lastModified, size }: CohortFile): string {
  const times = { lastComputed: lastModified, lastModified };
  const fields = JSON.stringify({ cohortId, groupType, groupTypeId: 0, ...times, size });
  return `${fields.slice(0, -1)},"memberIds":`;
}

/** Of what has no time of its own, the file must not be newer: it may be a half of another one. */
async function mustBeThere({ cohortId, path, lastModified }: CohortFile): Promise<void> {
  const { kind, mtimeMs } = await stampOf(path);
  if (kind === "file" && Math.floor(mtimeMs) <= lastModified) return;
  throw new CohortReplaced(`cohort ${cohortId}: its file has been replaced`);
}
