// Node, Deno and Bun: the builds lie in files beside the compiled sources.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { JsBuild, WasmBackend } from "./core.ts";

/** Whether the package brings this build here. */
export function hasBuild(_backend: WasmBackend, _isShared: boolean): boolean {
  return true;
}

/** The package's build, compiled. */
export function compileSync(backend: WasmBackend, isShared: boolean): WebAssembly.Module {
  const name = `core${isShared ? ".shared" : ""}${backend === "wasm-simd" ? ".simd" : ""}.wasm`;
  return new WebAssembly.Module(readFileSync(new URL(`../../${name}`, import.meta.url)));
}

/** As {@link compileSync}: so small a module is compiled faster than a thread is asked to do it. */
export async function compile(
  backend: WasmBackend,
  isShared: boolean,
): Promise<WebAssembly.Module> {
  return compileSync(backend, isShared);
}

/** The core as JavaScript. */
export function jsBuildSync(): JsBuild {
  // Not a static import: whoever runs WebAssembly need not load it.
  return createRequire(import.meta.url)("../../core.js");
}

/** As {@link jsBuildSync}. */
export async function jsBuild(): Promise<JsBuild> {
  return jsBuildSync();
}
