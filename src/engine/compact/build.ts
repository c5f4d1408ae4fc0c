// Which build of the compact core runs. Where its bytes come from: core-inline.ts, core-workerd.ts.

import { compile, compileSync } from "#compact-core";
import { type CoreModule, isRefusal, type JsBuild, jsModule, wasmModule } from "../core.ts";
import { CoreError } from "../errors.ts";

/** How the compact core runs: WebAssembly without SIMD, or the same code as JavaScript. */
export type CompactBackend = "wasm" | "js";

const modules: Partial<Record<CompactBackend, CoreModule>> = {};
/** Asking again would be reported again, where a policy is reported. */
let isRefused = false;

/** @throws {@link CoreError} if the backend that was asked for is not to be had here */
export async function loadBuild(backend?: CompactBackend): Promise<CoreModule> {
  if (triesWasm(backend)) {
    try {
      modules.wasm ??= wasmModule(await compile(), "wasm", false);
      return modules.wasm;
    } catch (error) {
      refuse(error, backend);
    }
  }
  modules.js ??= jsModule((await import("../../../core-compact.js")) as JsBuild);
  return modules.js;
}

/** As {@link loadBuild}, where synchronous compilation is allowed. */
export function loadBuildSync(backend?: CompactBackend): CoreModule {
  if (triesWasm(backend)) {
    try {
      modules.wasm ??= wasmModule(compileSync(), "wasm", false);
      return modules.wasm;
    } catch (error) {
      refuse(error, backend);
    }
  }
  if (modules.js) return modules.js;
  throw unavailable("a core that CompactEngine.load has loaded");
}

/** @throws {@link CoreError} for a backend that is not to be had */
function triesWasm(backend?: CompactBackend): boolean {
  if (backend === "js") return false;
  if (backend && backend !== "wasm") throw unavailable('"wasm" or "js"', "another one");
  if (modules.wasm || !isRefused) return true;
  if (backend) throw unavailable(A_RUNTIME);
  return false;
}

const A_RUNTIME = "a runtime with WebAssembly";

/** Goes on if WebAssembly is not to be had, and nobody has asked for it. */
function refuse(cause: unknown, backend: CompactBackend | undefined): void {
  if (!isRefusal(cause)) throw cause;
  isRefused = true;
  if (backend) throw unavailable(A_RUNTIME, "none", cause);
}

function unavailable(expected: string, got = "none", cause?: unknown): CoreError {
  return new CoreError("unavailable", `backend: expected ${expected}, got ${got}`, { cause });
}
