// A build of the core, and instances of it. Nothing here depends on the runtime: where the bytes
// come from is in core-node.ts, core-browser.ts and core-workerd.ts.

/** How the core runs: WebAssembly with SIMD, without, or the same code as JavaScript. */
export type Backend = "wasm-simd" | "wasm" | "js";
export type WasmBackend = Exclude<Backend, "js">;

/** A memory of the core; `buffer` is another one after `grow`. */
export interface CoreMemory {
  readonly buffer: ArrayBufferLike;
  /** Adds pages of 64 KiB; answers how many there were. */
  grow(pages: number): number;
}

/** A build of the core, ready to be instantiated. */
export interface CoreModule {
  readonly backend: Backend;
  /** Whether its memory can be shared by threads. */
  readonly isShared: boolean;
  /** What other threads instantiate; none of the JavaScript build. */
  readonly compiled?: WebAssembly.Module;
  /** Zeroed memory. */
  makeMemory(pages: number): CoreMemory;
  /** An instance on a memory. */
  instantiate(memory: CoreMemory): Record<string, unknown>;
}

/** dist/core.js, see scripts/core-js.mjs. `instantiate` gives the memory its `grow`. */
export interface JsBuild {
  instantiate(imports: { env: { memory: { buffer: ArrayBuffer } } }): Record<string, unknown>;
}

/** Of a memory, in bytes. */
export const PAGE_SIZE = 65536;
/** As the shared builds state it (asconfig.json). */
const PAGE_COUNT_MAX = 65536;

/** The smallest module with a SIMD instruction: `i8x16.splat` and back. */
const SIMD_PROBE = /* @__PURE__ */ Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
);

/** Whether this runtime has WebAssembly SIMD. */
export function hasSimd(): boolean {
  return hasWebAssembly() && WebAssembly.validate(SIMD_PROBE);
}

let isSharable: boolean | undefined;

/** Whether threads can share memory here: in a browser only of an isolated page. */
export function canShare(): boolean {
  isSharable ??= findWhetherSharable();
  return isSharable;
}

function findWhetherSharable(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) return false;
  try {
    // Where address space is short, it cannot be reserved.
    new WebAssembly.Memory({ initial: 1, maximum: PAGE_COUNT_MAX, shared: true });
    return true;
  } catch {
    return false;
  }
}

/** A core that was compiled before. */
export function wasmModule(
  compiled: WebAssembly.Module,
  backend: Backend,
  isShared: boolean,
): CoreModule {
  return {
    backend,
    isShared,
    compiled,
    makeMemory: (pages) =>
      isShared
        ? new WebAssembly.Memory({ initial: pages, maximum: PAGE_COUNT_MAX, shared: true })
        : new WebAssembly.Memory({ initial: pages }),
    instantiate: (memory) =>
      new WebAssembly.Instance(compiled, { env: { memory: memory as WebAssembly.Memory } }).exports,
  };
}

/** The core as JavaScript. */
export function jsModule(build: JsBuild): CoreModule {
  return {
    backend: "js",
    isShared: false,
    makeMemory: (pages) => ({ buffer: new ArrayBuffer(pages * PAGE_SIZE) }) as CoreMemory,
    instantiate: (memory) =>
      build.instantiate({ env: { memory: memory as { buffer: ArrayBuffer } } }),
  };
}

/** Whether the core has trapped; translated to JavaScript it never does. */
export function isTrap(error: unknown): boolean {
  return hasWebAssembly() && error instanceof WebAssembly.RuntimeError;
}

/**
 * Whether WebAssembly is not to be had here: there is none, or a content security policy or the
 * embedder refuses to compile it. Old browsers refuse on the main thread (RangeError).
 */
export function isRefusal(error: unknown): boolean {
  if (!hasWebAssembly()) return true;
  if (error instanceof WebAssembly.CompileError) return true;
  return error instanceof EvalError || error instanceof RangeError;
}

function hasWebAssembly(): boolean {
  return typeof WebAssembly !== "undefined";
}
