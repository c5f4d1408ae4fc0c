// Which build of the core an engine runs.

import { compile, compileSync, hasBuild, jsBuild, jsBuildSync } from "#core";
import {
  type CoreModule,
  canShare,
  hasSimd,
  isRefusal,
  jsModule,
  type WasmBackend,
  wasmModule,
} from "./core.ts";
import type { EngineOptions, SyncEngineOptions } from "./engine-options.ts";
import { CoreError } from "./errors.ts";

/** A build as WebAssembly. */
interface Wanted {
  backend: WasmBackend;
  isShared: boolean;
}

/** Of the package's own builds, those that are in use; of WebAssembly by {@link nameOf}. */
const modules = new Map<string, CoreModule>();
/** Asking again would be reported again, where a policy is reported. */
let isRefused = false;

/**
 * The build that the options ask for, or the best there is.
 *
 * @throws {@link CoreError} if the one that was asked for is not to be had here
 */
export async function loadBuild(options: EngineOptions): Promise<CoreModule> {
  if (options.backend === "js") return jsModuleOf(await jsBuild());
  const wanted = wantedOf(options);
  try {
    if (options.module) return given(await options.module, wanted);
    return known(wanted) ?? keep(wanted, await compile(wanted.backend, wanted.isShared));
  } catch (error) {
    refuse(options, error);
  }
  return jsModuleOf(await jsBuild());
}

/** As {@link loadBuild}, where synchronous compilation is allowed. */
export function loadBuildSync(options: SyncEngineOptions): CoreModule {
  if (options.backend === "js") return jsModuleOf(jsBuildSync());
  const wanted = wantedOf(options);
  try {
    if (options.module) return given(options.module, wanted);
    return known(wanted) ?? keep(wanted, compileSync(wanted.backend, wanted.isShared));
  } catch (error) {
    refuse(options, error);
  }
  return jsModuleOf(jsBuildSync());
}

function wantedOf({ module, backend, simd, shared }: EngineOptions): Wanted {
  const isShared = shared === true && canShare();
  const best = (simd ?? hasSimd()) ? "wasm-simd" : "wasm";
  const asked = backend === "js" ? undefined : backend;
  if (module) return { backend: asked ?? best, isShared };
  const first = asked ?? best;
  const wanted = [first, first === "wasm" ? "wasm-simd" : "wasm"] as const;
  const isFixed = asked !== undefined || simd !== undefined;
  for (const each of isFixed ? [first] : wanted) {
    if (isShared && hasBuild(each, true)) return { backend: each, isShared };
    if (hasBuild(each, false)) return { backend: each, isShared: false };
  }
  const message = `backend: expected one that the package has here, got "${first}"`;
  throw new CoreError("unavailable", `${message}; it can be given as module`);
}

function nameOf({ backend, isShared }: Wanted): string {
  return isShared ? `${backend} shared` : backend;
}

function known(wanted: Wanted): CoreModule | undefined {
  const module = modules.get(nameOf(wanted));
  if (!module && isRefused) throw new EvalError("WebAssembly was refused before");
  return module;
}

function keep(wanted: Wanted, compiled: WebAssembly.Module): CoreModule {
  const module = wasmModule(compiled, wanted.backend, wanted.isShared);
  modules.set(nameOf(wanted), module);
  return module;
}

function given(compiled: WebAssembly.Module, { backend, isShared }: Wanted): CoreModule {
  return wasmModule(compiled, backend, isShared);
}

/** Goes on if WebAssembly is not to be had, and nobody has asked for it. */
function refuse({ backend, module }: EngineOptions, cause: unknown): void {
  if (!isRefusal(cause)) throw cause;
  if (backend !== undefined) {
    const message = `backend: expected a runtime that lets "${backend}" run, got a refusal`;
    throw new CoreError("unavailable", message, { cause });
  }
  // Bytes of somebody else's may be to blame.
  if (!module) isRefused = true;
}

function jsModuleOf(build: Parameters<typeof jsModule>[0]): CoreModule {
  const known = modules.get("js") ?? jsModule(build);
  modules.set("js", known);
  return known;
}
