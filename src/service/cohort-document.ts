import { createReadStream } from "node:fs";
import type { CohortFile } from "./source.ts";

/** A cohort as Amplitude's cohort server sends it. */
export function readCohort({ path }: CohortFile): AsyncIterable<Uint8Array> {
  return createReadStream(path);
}
