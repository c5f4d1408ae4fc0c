// Cloudflare's workerd: code may not be compiled while a worker runs, so a module is imported that
// was compiled when it was uploaded.

import simd from "../../core.simd.wasm";
import type { WasmBackend } from "./core.ts";

export { jsBuild, jsBuildSync } from "./js-build.ts";

/** Whether the package brings this build here. */
export function hasBuild(backend: WasmBackend, isShared: boolean): boolean {
  return backend === "wasm-simd" && !isShared;
}

/** The package's build, compiled. */
export function compileSync(): WebAssembly.Module {
  return simd;
}

/** As {@link compileSync}. */
export async function compile(): Promise<WebAssembly.Module> {
  return simd;
}
