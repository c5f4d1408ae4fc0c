// The only file that says memory.buffer: an instance of the core, its memory, and the placing of
// regions in it.

import {
  F64,
  IMAGE_CHECKSUM,
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_SIZE,
  IMAGE_SIZE_MAX,
  IMAGE_VERSION,
  LAYOUT_VERSION,
  MAGIC,
  U32,
} from "../../assembly/layout.ts";
import type { CoreMemory, CoreModule } from "./core.ts";
import { ConfigError, type ConfigErrorCode, ContextError, CoreError } from "./errors.ts";

/** The core's exports (assembly/index.ts). `session` and `image` are absolute addresses. */
export interface CoreExports {
  layoutVersion(): number;
  sealImage(image: number): void;
  isSealed(image: number): number;
  openSession(session: number, image: number): void;
  sessionSize(image: number): number;
  run(session: number): number;
  runFlag(session: number, flag: number): number;
  sweep(session: number): number;
  decidePredicate(session: number, predicate: number): number;
  bucketSegment(session: number, segment: number): number;
}

const PAGE_SIZE = 65536;
/** What 32-bit addresses reach, in whole pages. */
const MEMORY_SIZE_MAX = 2 ** 32 - PAGE_SIZE;
/** Below lies what asc may place; see `memoryBase` in asconfig.json. */
const FIRST_ADDRESS = 1024;

function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

/** The memory as the host reads and writes it. */
export interface Views {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}

/** An instance of the core with one image in its memory. */
export class Instance {
  readonly core: CoreExports;
  readonly image = FIRST_ADDRESS;
  readonly #memory: CoreMemory;
  #top: number;
  #imageBytes: Uint8Array | undefined;
  /** Of the memory as it is now: another object after it has grown. */
  views!: Views;

  /**
   * Places `image`. One that has just been compiled is sealed, and kept as {@link imageBytes}.
   *
   * @throws {@link ConfigError} for an image that is cut, damaged or of another version.
   */
  constructor(module: CoreModule, image: Uint8Array, isNew: boolean) {
    if (!isNew) checkHeader(image);
    this.#top = align(FIRST_ADDRESS + image.byteLength);
    const { memory, exports } = module.instantiate(pagesFor(this.#top));
    this.#memory = memory;
    this.core = exports as unknown as CoreExports;
    const version = this.core.layoutVersion();
    if (version !== LAYOUT_VERSION) {
      throw new CoreError("layout-version", `expected core ${LAYOUT_VERSION}, got ${version}`);
    }
    this.#view();
    this.views.u8.set(image, FIRST_ADDRESS);
    if (isNew) {
      this.core.sealImage(FIRST_ADDRESS);
      const seal = FIRST_ADDRESS + IMAGE_CHECKSUM;
      image.set(this.views.u8.subarray(seal, seal + F64), IMAGE_CHECKSUM);
      this.#imageBytes = image;
    } else if (!this.core.isSealed(FIRST_ADDRESS)) {
      throw new ConfigError("invalid-image", "image", "an intact image", "a damaged one");
    }
  }

  /** Bytes of memory, settled. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** The image outside of the core's memory, in which a trap may leave anything; read only. */
  get imageBytes(): Uint8Array {
    const { u8, u32 } = this.views;
    const end = this.image + u32[(this.image + IMAGE_SIZE) / U32];
    this.#imageBytes ??= u8.slice(this.image, end);
    return this.#imageBytes;
  }

  /**
   * Room for `bytes`, 16-aligned and never given back; the views are good afterwards.
   *
   * @throws {@link ContextError} if there is none
   */
  reserve(bytes: number): number {
    // Whoever reserves is about to run the core: the last moment for a copy that is surely intact.
    void this.imageBytes;
    const address = this.#top;
    const top = align(address + bytes);
    const missing = pagesFor(top - this.#memory.buffer.byteLength);
    if (missing > 0) {
      if (top > MEMORY_SIZE_MAX) throw outOfMemory();
      try {
        this.#memory.grow(missing);
      } catch {
        throw outOfMemory();
      }
      this.#view();
    }
    this.#top = top;
    return address;
  }

  #view(): void {
    const { buffer } = this.#memory;
    this.views = {
      u8: new Uint8Array(buffer),
      u16: new Uint16Array(buffer),
      u32: new Uint32Array(buffer),
      f64: new Float64Array(buffer),
    };
  }
}

function outOfMemory(): ContextError {
  return new ContextError("context: expected texts that fit into memory, got more");
}

function align(address: number): number {
  return Math.ceil(address / 16) * 16;
}

function checkHeader(image: Uint8Array): void {
  const fail = (code: ConfigErrorCode, expected: string, got: string): never => {
    throw new ConfigError(code, "image", expected, got);
  };
  const size = image.byteLength;
  if (size < IMAGE_HEADER_SIZE)
    fail("invalid-image", `at least ${IMAGE_HEADER_SIZE} bytes`, `${size}`);
  if (size > IMAGE_SIZE_MAX) fail("too-large", `at most ${IMAGE_SIZE_MAX} bytes`, `${size}`);
  const header = new DataView(image.buffer, image.byteOffset, IMAGE_HEADER_SIZE);
  const magic = header.getUint32(IMAGE_MAGIC, true);
  if (magic !== MAGIC) fail("invalid-image", "a Halyard image", "other bytes");
  const version = header.getUint32(IMAGE_VERSION, true);
  if (version !== LAYOUT_VERSION) fail("image-version", `version ${LAYOUT_VERSION}`, `${version}`);
  const stated = header.getUint32(IMAGE_SIZE, true);
  if (stated !== size) fail("invalid-image", `${stated} bytes`, `${size}`);
  // The gap between the size and the checksum is the one place the checksum does not cover.
  for (let at = IMAGE_SIZE + 4; at < IMAGE_CHECKSUM; at++) {
    if (image[at] !== 0) fail("invalid-image", "an intact header", "a damaged one");
  }
}
