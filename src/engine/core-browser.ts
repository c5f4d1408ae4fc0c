// Browsers, and whatever is none of the others: one build is part of the module itself, so that a
// bundler needs to know nothing of WebAssembly. Others are given by their callers, as `module`.

import { core } from "../../core-inline.js";
import type { WasmBackend } from "./core.ts";

export { jsBuild, jsBuildSync } from "./js-build.ts";

/** Whether the package brings this build here. */
export function hasBuild(backend: WasmBackend, isShared: boolean): boolean {
  return backend === "wasm" && !isShared;
}

/** The package's build, compiled; old browsers refuse it on the main thread. */
export function compileSync(): WebAssembly.Module {
  return new WebAssembly.Module(bytesOfCore());
}

/** As {@link compileSync}, also where only asynchronous compilation is allowed. */
export async function compile(): Promise<WebAssembly.Module> {
  const module = await WebAssembly.compile(bytesOfCore());
  // Old browsers make instances on the main thread of the smallest modules only: better find out
  // now, while there is another build to go to.
  new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
  return module;
}

function bytesOfCore(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: core.length / 2 }, (_, at) =>
    Number.parseInt(core.slice(at * 2, at * 2 + 2), 16),
  );
}
