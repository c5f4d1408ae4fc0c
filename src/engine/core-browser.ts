// Browsers, and whatever is none of the others: one build is part of the module itself, so that a
// bundler needs to know nothing of WebAssembly. Others are given by their callers, as `module`.

import { core } from "../../core-inline.js";
import type { WasmBackend } from "./core.ts";
import { compileBytes, compileBytesSync, fromHex } from "./core-bytes.ts";

export { jsBuild, jsBuildSync } from "./js-build.ts";

/** Whether the package brings this build here. */
export function hasBuild(backend: WasmBackend, isShared: boolean): boolean {
  return backend === "wasm" && !isShared;
}

/** The package's build, compiled. */
export const compileSync = () => compileBytesSync(fromHex(core));

/** As {@link compileSync}, also where only asynchronous compilation is allowed. */
export const compile = () => compileBytes(fromHex(core));
