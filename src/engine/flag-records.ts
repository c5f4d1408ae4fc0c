// The records of a flag by which the core evaluates it: its segments and their buckets.

import * as L from "../../assembly/layout.ts";
import type { ImageWriter } from "./image-writer.ts";
import { stateOfWords, tailOf } from "./murmur3.ts";
import type { BucketEntry, FlagEntry, SegmentEntry } from "./tables.ts";
import { bytesOf } from "./text.ts";

/** Writes a flag's record at `at`, and the records of its segments and buckets. */
export function writeFlag(writer: ImageWriter, at: number, { segments }: FlagEntry): void {
  const first = writer.allocate(segments.length * L.SEGMENT_SIZE);
  for (let i = 0; i < segments.length; i++) {
    writeSegment(writer, first + i * L.SEGMENT_SIZE, segments[i]);
  }
  writer.setU32(at + L.FLAG_SEGMENTS, first);
  writer.setU32(at + L.FLAG_SEGMENT_COUNT, segments.length);
}

function writeSegment(writer: ImageWriter, at: number, segment: SegmentEntry): void {
  const words = segment.conditions.map(
    ({ predicate, last }) => (predicate.index << 1) | Number(last),
  );
  writer.setU32(at + L.SEGMENT_CONDITIONS, writer.words(words));
  writer.setU32(at + L.SEGMENT_CONDITION_COUNT, segment.count);
  writer.setU32(at + L.SEGMENT_OUTCOME, segment.outcome);
  if (segment.bucket) writer.setU32(at + L.SEGMENT_BUCKET, writeBucket(writer, segment.bucket));
}

function writeBucket(writer: ImageWriter, bucket: BucketEntry): number {
  const prefix = bytesOf(`${bucket.salt}/`);
  const at = writer.allocate(L.BUCKET_SIZE);
  writer.setU32(at + L.BUCKET_SLOT, bucket.slot.index);
  writer.setU32(at + L.BUCKET_SEED, stateOfWords(prefix, 0, prefix.length));
  writer.setU32(at + L.BUCKET_TAIL, tailOf(prefix, 0, prefix.length));
  writer.setU32(at + L.BUCKET_SALT_SIZE, prefix.length);
  const { ranges } = bucket;
  while (ranges.length * L.U32 < L.RANGE_COUNT_MIN * L.RANGE_SIZE) ranges.push(0);
  writer.setTable(at + L.BUCKET_RANGES, ranges, (ranges.length * L.U32) / L.RANGE_SIZE);
  bucket.pointer = at;
  bucket.prefixSize = prefix.length;
  return at;
}
