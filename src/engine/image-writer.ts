// Writes an image; the only place that stores into one.

import { F64, IMAGE_SIZE, IMAGE_SIZE_MAX, U32 } from "../../assembly/layout.ts";
import { ConfigError } from "./errors.ts";
import { bytesMax, writeText } from "./text.ts";

/** A region of bytes inside the image. */
export interface Span {
  pointer: number;
  bytes: number;
}

const EMPTY: Span = { pointer: 0, bytes: 0 };

/** Growing copies everything; what is never written costs no memory. */
const SIZE_INITIAL = 1 << 18;

/** A growing little-endian buffer with interned texts. */
export class ImageWriter {
  #bytes = new Uint8Array(SIZE_INITIAL);
  #words = new Uint32Array(this.#bytes.buffer);
  #view = new DataView(this.#bytes.buffer);
  #size: number;
  readonly #texts = new Map<string, Span>();
  /** By a hash of their words; of two tables with one hash the later is kept. */
  readonly #tables = new Map<number, Span>();

  /** Leaves `headerSize` zero bytes at the front. */
  constructor(headerSize: number) {
    this.#size = headerSize;
  }

  /** Zeroed room for records; answers its pointer, a multiple of `alignment`. */
  allocate(bytes: number, alignment = F64): number {
    const pointer = (this.#size + alignment - 1) & -alignment;
    this.#grow(pointer + bytes);
    this.#size = pointer + bytes;
    return pointer;
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  setU8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  setU16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  setF64(at: number, value: number): void {
    this.#view.setFloat64(at, value, true);
  }

  /** A table of u32, written once for equal tables; answers its pointer. */
  words(values: ArrayLike<number>): number {
    const hash = hashOf(values);
    const known = this.#tables.get(hash);
    if (known && this.#holds(known, values)) return known.pointer;
    const bytes = values.length * U32;
    const pointer = this.allocate(bytes, U32);
    for (let i = 0; i < values.length; i++) this.setU32(pointer + i * U32, values[i]);
    this.#tables.set(hash, { pointer, bytes });
    return pointer;
  }

  #holds({ pointer, bytes }: Span, values: ArrayLike<number>): boolean {
    if (bytes !== values.length * U32) return false;
    for (let i = 0; i < values.length; i++) {
      if (this.#view.getUint32(pointer + i * U32, true) !== values[i] >>> 0) return false;
    }
    return true;
  }

  /** The text's bytes, written once for equal texts. */
  text(text: string): Span {
    if (text === "") return EMPTY;
    const known = this.#texts.get(text);
    if (known) return known;
    const pointer = (this.#size + 3) & ~3;
    this.#grow(pointer + bytesMax(text) + U32);
    const span = { pointer, bytes: writeText(text, this.#bytes, this.#words, pointer) };
    this.#size = pointer + span.bytes;
    this.#texts.set(text, span);
    return span;
  }

  /** Stores a span as pointer and size at `at`. */
  setSpan(at: number, span: Span): void {
    this.setU32(at, span.pointer);
    this.setU32(at + U32, span.bytes);
  }

  /** Stores a table's pointer, and a count, at `at`. */
  setTable(at: number, values: ArrayLike<number>, count: number): void {
    this.setU32(at, this.words(values));
    this.setU32(at + U32, count);
  }

  /** What was written of a span, e.g. to hash it. */
  bytesOf(span: Span): Uint8Array {
    return this.#bytes.subarray(span.pointer, span.pointer + span.bytes);
  }

  /**
   * The image with its size stated, padded with zeros to `multiple` bytes behind `offset`: a view
   * of the buffer, the writer is done.
   */
  finish(offset: number, multiple: number): Uint8Array {
    const size = offset + Math.ceil((this.#size - offset) / multiple) * multiple;
    this.#grow(size);
    this.setU32(IMAGE_SIZE, size);
    return this.#bytes.subarray(0, size);
  }

  #grow(size: number): void {
    if (size > IMAGE_SIZE_MAX) {
      throw new ConfigError(
        "too-large",
        "flags",
        `an image of at most ${IMAGE_SIZE_MAX} bytes`,
        `${size} or more`,
      );
    }
    if (size <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max((size + 3) & ~3, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
    this.#view = new DataView(bytes.buffer);
  }
}

function hashOf(words: ArrayLike<number>): number {
  let hash = words.length;
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ words[i], 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
