// The core's builds, and instances of them.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** How the core runs: WebAssembly with SIMD, without, or the same code as JavaScript. */
export type Backend = "wasm-simd" | "wasm" | "js";

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
interface JsBuild {
  instantiate(imports: { env: { memory: { buffer: ArrayBuffer } } }): Record<string, unknown>;
}

/** Of a memory, in bytes. */
export const PAGE_SIZE = 65536;
/** As the shared builds state it (asconfig.json). */
const PAGE_COUNT_MAX = 65536;

/** The smallest module with a SIMD instruction: `i8x16.splat` and back. */
const SIMD_PROBE = Uint8Array.of(
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

const modules = new Map<string, CoreModule>();

/** Whether this runtime has WebAssembly SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
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

/** The package's own core; loaded once per process and build. */
export function coreModule(backend: Backend, isShared: boolean): CoreModule {
  const name = backend === "js" ? "core.js" : fileOf(backend, isShared);
  let module = modules.get(name);
  if (!module) {
    module = backend === "js" ? loadJs() : loadWasm(name, backend, isShared);
    modules.set(name, module);
  }
  return module;
}

function fileOf(backend: Backend, isShared: boolean): string {
  return `core${isShared ? ".shared" : ""}${backend === "wasm-simd" ? ".simd" : ""}.wasm`;
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

function loadWasm(name: string, backend: Backend, isShared: boolean): CoreModule {
  const bytes = readFileSync(new URL(`../../${name}`, import.meta.url));
  return wasmModule(new WebAssembly.Module(bytes), backend, isShared);
}

function loadJs(): CoreModule {
  // Not a static import: whoever runs WebAssembly need not load it.
  const build: JsBuild = createRequire(import.meta.url)("../../core.js");
  return {
    backend: "js",
    isShared: false,
    makeMemory: (pages) => ({ buffer: new ArrayBuffer(pages * PAGE_SIZE) }) as CoreMemory,
    instantiate: (memory) =>
      build.instantiate({ env: { memory: memory as { buffer: ArrayBuffer } } }),
  };
}
