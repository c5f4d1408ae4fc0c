// The records of a flag in an image: its segments, their buckets, its outcomes.

import * as L from "../../assembly/layout.ts";
import type { ImageWriter } from "./image-writer.ts";
import { stateOfWords, tailOf } from "./murmur3.ts";
import type { BucketEntry, FlagEntry, SegmentEntry } from "./tables.ts";
import { bytesOf } from "./text.ts";

/** Writes a flag's record at `at`, and the records of its segments and buckets. */
export function writeFlag(writer: ImageWriter, at: number, flag: FlagEntry): void {
  const segments = writer.allocate(flag.segments.length * L.SEGMENT_SIZE);
  for (let i = 0; i < flag.segments.length; i++) {
    writeSegment(writer, segments + i * L.SEGMENT_SIZE, flag.segments[i]);
  }
  const outcomes: number[] = [];
  for (const { segment, variant } of flag.outcomes) {
    const { pointer, bytes } = writer.text(variant);
    outcomes.push(segment, pointer, bytes);
  }
  writer.setU32(at + L.FLAG_SEGMENTS, segments);
  writer.setU32(at + L.FLAG_SEGMENT_COUNT, flag.segments.length);
  writer.setU32(at + L.FLAG_OUTCOMES, writer.words(outcomes));
  writer.setU32(at + L.FLAG_OUTCOME_COUNT, flag.outcomes.length);
  writer.setU32(at + L.FLAG_PARENTS, writer.words(flag.parents));
  writer.setU32(at + L.FLAG_PARENT_COUNT, flag.parents.length);
  writer.setSpan(at + L.FLAG_METADATA, writer.text(flag.metadata));
}

function writeSegment(writer: ImageWriter, at: number, segment: SegmentEntry): void {
  const words = segment.conditions.map(
    ({ predicate, last }) => (predicate.index << 1) | Number(last),
  );
  writer.setU32(at + L.SEGMENT_CONDITIONS, writer.words(words));
  writer.setU32(at + L.SEGMENT_CONDITION_COUNT, segment.count);
  writer.setU32(at + L.SEGMENT_OUTCOME, segment.outcome);
  writer.setSpan(at + L.SEGMENT_METADATA, writer.text(segment.metadata));
  if (segment.bucket) writer.setU32(at + L.SEGMENT_BUCKET, writeBucket(writer, segment.bucket));
}

function writeBucket(writer: ImageWriter, bucket: BucketEntry): number {
  const prefix = bytesOf(`${bucket.salt}/`);
  const at = writer.allocate(L.BUCKET_SIZE);
  writer.setU32(at + L.BUCKET_SLOT, bucket.slot.index);
  writer.setU32(at + L.BUCKET_SEED, stateOfWords(prefix, 0, prefix.length));
  writer.setU32(at + L.BUCKET_TAIL, tailOf(prefix, 0, prefix.length));
  writer.setU32(at + L.BUCKET_SALT_SIZE, prefix.length);
  writer.setSpan(at + L.BUCKET_SALT, writer.text(JSON.stringify(bucket.salt)));
  writer.setSpan(at + L.BUCKET_ALLOCATIONS, writer.text(bucket.allocations));
  const { ranges } = bucket;
  while (ranges.length * L.U32 < L.RANGE_COUNT_MIN * L.RANGE_SIZE) ranges.push(0);
  writer.setU32(at + L.BUCKET_RANGES, writer.words(ranges));
  writer.setU32(at + L.BUCKET_RANGE_COUNT, (ranges.length * L.U32) / L.RANGE_SIZE);
  bucket.pointer = at;
  bucket.prefixSize = prefix.length;
  return at;
}
