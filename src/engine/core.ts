// The core's two builds as compiled modules, chosen by feature test.

import { readFileSync } from "node:fs";

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

const modules = new Map<string, WebAssembly.Module>();

/** Whether this runtime has WebAssembly SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/** Compiled once per process and build. */
export function coreModule(simd: boolean): WebAssembly.Module {
  const name = simd ? "core.simd.wasm" : "core.wasm";
  let module = modules.get(name);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(new URL(`../../${name}`, import.meta.url)));
    modules.set(name, module);
  }
  return module;
}
