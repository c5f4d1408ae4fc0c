// The core's three builds, and instances of them.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** How the core runs: WebAssembly with SIMD, without, or the same code as JavaScript. */
export type Backend = "wasm-simd" | "wasm" | "js";

/** The memory of an instance; `buffer` is another one after `grow`. */
export interface CoreMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB. */
  grow(pages: number): unknown;
}

/** A build of the core, ready to be instantiated. */
export interface CoreModule {
  readonly backend: Backend;
  /** An instance with zeroed memory of its own. */
  instantiate(pages: number): { memory: CoreMemory; exports: Record<string, unknown> };
}

/** dist/core.js, see scripts/core-js.mjs. `instantiate` gives the memory its `grow`. */
interface JsBuild {
  instantiate(imports: { env: { memory: { buffer: ArrayBuffer } } }): Record<string, unknown>;
}

const PAGE_SIZE = 65536;

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

const modules = new Map<Backend, CoreModule>();

/** Whether this runtime has WebAssembly SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/** The package's own core; loaded once per process and build. */
export function coreModule(backend: Backend): CoreModule {
  let module = modules.get(backend);
  if (!module) {
    module = backend === "js" ? loadJs() : loadWasm(backend);
    modules.set(backend, module);
  }
  return module;
}

/** A core that the caller has compiled. */
export function wasmModule(module: WebAssembly.Module, backend: Backend): CoreModule {
  return {
    backend,
    instantiate(pages) {
      const memory = new WebAssembly.Memory({ initial: pages });
      const instance = new WebAssembly.Instance(module, { env: { memory } });
      return { memory, exports: instance.exports };
    },
  };
}

function loadWasm(backend: Backend): CoreModule {
  const name = backend === "wasm-simd" ? "core.simd.wasm" : "core.wasm";
  const bytes = readFileSync(new URL(`../../${name}`, import.meta.url));
  return wasmModule(new WebAssembly.Module(bytes), backend);
}

function loadJs(): CoreModule {
  // Not a static import: whoever runs WebAssembly need not load it.
  const build: JsBuild = createRequire(import.meta.url)("../../core.js");
  return {
    backend: "js",
    instantiate(pages) {
      const memory = { buffer: new ArrayBuffer(pages * PAGE_SIZE) };
      const exports = build.instantiate({ env: { memory } });
      return { memory: memory as CoreMemory, exports };
    },
  };
}
