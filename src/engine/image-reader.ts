// Decodes an image: what its records, texts and JSON say.

import * as L from "../../assembly/layout.ts";
import type { EngineWarning } from "./errors.ts";
import type { EvaluationAllocation, EvaluationBucket, EvaluationVariant } from "./flag.ts";
import { deepFreeze, variantOf } from "./variant.ts";

interface Names {
  flagKeys: string[];
  enabled: number[];
  selectors: string[][];
  /** By slot: the flag whose result it reads, or FROM_*. */
  sources: number[];
  warnings: EngineWarning[];
  /** By cohort. */
  cohorts: NamedCohort[];
}

/** A cohort that conditions name, and the first of them. */
export interface NamedCohort {
  cohortId: string;
  /** "User", or a type of group. */
  groupType: string;
  flagKey: string;
  /** Of the condition's value. */
  path: string;
}

/** A condition as the flags gave it. */
export type NamedCondition = [selector: string[], op: string, values: string[]];

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export abstract class ImageReader {
  #view: DataView | undefined;
  #names: Names | undefined;
  #digest: string | undefined;

  /** The whole image; read only. */
  abstract get imageBytes(): Uint8Array;

  get names(): Names {
    this.#names ??= deepFreeze(this.#json(L.IMAGE_NAMES) as Names);
    return this.#names;
  }

  get flagCount(): number {
    return this.u32(L.IMAGE_FLAG_COUNT);
  }

  /** The image's checksum, 16 hexadecimal digits. */
  get digest(): string {
    this.#digest ??= this.#image
      .getBigUint64(L.IMAGE_CHECKSUM, true)
      .toString(16)
      .padStart(16, "0");
    return this.#digest;
  }

  u32(at: number): number {
    return this.#image.getUint32(at, true);
  }

  /** Pointer to record `index` of the table at header field `table`. */
  record(table: number, index: number, size: number): number {
    return this.u32(table) + index * size;
  }

  parentsOf(flag: number): Uint32Array {
    return this.words(this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE) + L.FLAG_PARENTS);
  }

  /** How many outcomes a flag has. */
  outcomeCount(flag: number): number {
    return this.u32(this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE) + L.FLAG_OUTCOME_COUNT);
  }

  /** Builds the variant of an outcome (from 1), with merged metadata, deeply frozen. */
  protected buildVariant(flag: number, outcome: number): EvaluationVariant {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    const segment = this.segmentRecord(flag, this.outcomeSegment(flag, outcome));
    const at = this.#outcomeRecord(flag, outcome);
    return variantOf(
      this.#json(at + L.OUTCOME_VARIANT) as EvaluationVariant,
      this.#json(record + L.FLAG_METADATA),
      this.#json(segment + L.SEGMENT_METADATA),
    );
  }

  segmentRecord(flag: number, segment: number): number {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    return this.u32(record + L.FLAG_SEGMENTS) + segment * L.SEGMENT_SIZE;
  }

  segmentMetadata(segment: number): Record<string, unknown> | undefined {
    return this.#json(segment + L.SEGMENT_METADATA) as Record<string, unknown> | undefined;
  }

  /** Index of the segment that gives an outcome (from 1). */
  outcomeSegment(flag: number, outcome: number): number {
    return this.u32(this.#outcomeRecord(flag, outcome) + L.OUTCOME_SEGMENT_INDEX);
  }

  condition(predicate: number): NamedCondition {
    const record = this.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
    const [op, values] = this.#json(record + L.PREDICATE_NAME) as [string, string[]];
    return [this.#selectorAt(record + L.PREDICATE_SLOT), op, values];
  }

  /** A bucket as the flags gave it. */
  bucket(bucket: number): EvaluationBucket {
    return {
      selector: this.#selectorAt(bucket + L.BUCKET_SLOT),
      salt: this.#json(bucket + L.BUCKET_SALT) as string,
      allocations: this.#json(bucket + L.BUCKET_ALLOCATIONS) as EvaluationAllocation[],
    };
  }

  /** The text whose pointer and size stand at `at`. */
  text(at: number): string {
    const pointer = this.u32(at);
    // A copy, because not every decoder takes shared memory.
    return decoder.decode(this.imageBytes.slice(pointer, pointer + this.u32(at + L.U32)));
  }

  /** The words whose pointer and count stand at `at`. */
  protected words(at: number): Uint32Array {
    const pointer = this.u32(at);
    const words = new Uint32Array(this.u32(at + L.U32));
    for (let i = 0; i < words.length; i++) words[i] = this.u32(pointer + i * L.U32);
    return words;
  }

  /** A copy of the selector of the slot whose index stands at `at`. */
  #selectorAt(at: number): string[] {
    return [...this.names.selectors[this.u32(at)]];
  }

  #outcomeRecord(flag: number, outcome: number): number {
    const record = this.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
    return this.u32(record + L.FLAG_OUTCOMES) + (outcome - 1) * L.OUTCOME_SIZE;
  }

  /** The bytes are others, though the same. */
  protected forgetView(): void {
    this.#view = undefined;
  }

  #json(at: number): unknown {
    return this.u32(at + L.U32) === 0 ? undefined : JSON.parse(this.text(at));
  }

  get #image(): DataView {
    if (!this.#view) {
      const { buffer, byteOffset, byteLength } = this.imageBytes;
      this.#view = new DataView(buffer, byteOffset, byteLength);
    }
    return this.#view;
  }
}
