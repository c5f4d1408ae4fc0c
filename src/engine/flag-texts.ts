// What the host reads of a flag's records: parents, outcomes, and the texts of them all.

import * as L from "../../assembly/layout.ts";
import type { ImageWriter } from "./image-writer.ts";
import type { BucketEntry, FlagEntry } from "./tables.ts";

/** Completes the records that `writeFlag` has written for a flag at `at`. */
export function writeFlagTexts(writer: ImageWriter, at: number, flag: FlagEntry): void {
  const outcomes: number[] = [];
  for (const { segment, variant } of flag.outcomes) {
    const { pointer, bytes } = writer.text(variant);
    outcomes.push(segment, pointer, bytes);
  }
  writer.setTable(at + L.FLAG_OUTCOMES, outcomes, flag.outcomes.length);
  writer.setTable(at + L.FLAG_PARENTS, flag.parents, flag.parents.length);
  writer.setSpan(at + L.FLAG_METADATA, writer.text(flag.metadata));
  const first = writer.u32(at + L.FLAG_SEGMENTS);
  for (const [index, { metadata, bucket }] of flag.segments.entries()) {
    const segment = first + index * L.SEGMENT_SIZE;
    writer.setSpan(segment + L.SEGMENT_METADATA, writer.text(metadata));
    if (bucket) writeBucketTexts(writer, bucket);
  }
}

function writeBucketTexts(writer: ImageWriter, { pointer, salt, allocations }: BucketEntry): void {
  writer.setSpan(pointer + L.BUCKET_SALT, writer.text(JSON.stringify(salt)));
  writer.setSpan(pointer + L.BUCKET_ALLOCATIONS, writer.text(allocations));
}
