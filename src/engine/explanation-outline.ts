// What an explanation of a flag says to every user: read from the image once, shared and frozen.

import * as L from "../../assembly/layout.ts";
import type { BucketExplanation, ConditionExplanation, SegmentExplanation } from "./explanation.ts";
import type { ImageReader } from "./image-reader.ts";
import { deepFreeze } from "./variant.ts";

export interface ConditionOutline {
  readonly selector: string[];
  readonly op: string;
  readonly values: string[];
  readonly predicate: number;
  readonly slot: number;
  /** What is said of a condition that was not reached. */
  readonly unreached: ConditionExplanation;
}

export interface SegmentOutline {
  /** Of the segment's record. */
  readonly pointer: number;
  readonly index: number;
  readonly name: string | undefined;
  readonly metadata: Record<string, unknown> | undefined;
  /** undefined = every user matches */
  readonly groups: ConditionOutline[][] | undefined;
  readonly bucket: { slot: number; unreached: BucketExplanation } | undefined;
  /** What is said of a segment behind the one that decided. */
  readonly unreached: SegmentExplanation;
}

export interface FlagOutline {
  readonly flagKey: string;
  readonly segments: SegmentOutline[];
  readonly parents: { flag: number; flagKey: string }[];
}

/** Reads a flag's outline. */
export function outlineOf(image: ImageReader, flag: number): FlagOutline {
  const { flagKeys } = image.names;
  const record = image.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
  const segments: SegmentOutline[] = [];
  for (let index = 0; index < image.u32(record + L.FLAG_SEGMENT_COUNT); index++) {
    segments.push(segmentOutline(image, image.segmentRecord(flag, index), index));
  }
  const parents = Array.from(image.parentsOf(flag), (parent) => ({
    flag: parent,
    flagKey: flagKeys[parent],
  }));
  return { flagKey: flagKeys[flag], segments, parents };
}

function segmentOutline(image: ImageReader, pointer: number, index: number): SegmentOutline {
  const metadata = image.segmentMetadata(pointer);
  const name = typeof metadata?.segmentName === "string" ? metadata.segmentName : undefined;
  const groups = groupsOf(image, pointer);
  const at = image.u32(pointer + L.SEGMENT_BUCKET);
  const bucket = at
    ? { slot: image.u32(at + L.BUCKET_SLOT), unreached: image.bucket(at) }
    : undefined;
  const unreached: SegmentExplanation = { index, reached: false, matched: false, chosen: false };
  if (name !== undefined) unreached.name = name;
  if (metadata) unreached.metadata = metadata;
  if (groups) unreached.conditions = groups.map((group) => group.map((one) => one.unreached));
  if (bucket) unreached.bucket = bucket.unreached;
  // Whatever is handed out is part of this.
  deepFreeze(unreached);
  return { pointer, index, name, metadata, groups, bucket, unreached };
}

function groupsOf(image: ImageReader, segment: number): ConditionOutline[][] | undefined {
  const count = image.u32(segment + L.SEGMENT_CONDITION_COUNT);
  if (count === L.CONDITIONS_ALWAYS) return undefined;
  const groups: ConditionOutline[][] = [];
  if (count === L.CONDITIONS_NEVER) return groups;
  const pointer = image.u32(segment + L.SEGMENT_CONDITIONS);
  let group: ConditionOutline[] = [];
  for (let i = 0; i < count; i++) {
    const word = image.u32(pointer + i * L.U32);
    group.push(conditionOutline(image, word >>> 1));
    if ((word & 1) === 0) continue;
    groups.push(group);
    group = [];
  }
  return groups;
}

function conditionOutline(image: ImageReader, predicate: number): ConditionOutline {
  const [selector, op, values] = image.condition(predicate);
  const record = image.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
  const slot = image.u32(record + L.PREDICATE_SLOT);
  const unreached = { selector, op, values, reached: false };
  return { selector, op, values, predicate, slot, unreached };
}
