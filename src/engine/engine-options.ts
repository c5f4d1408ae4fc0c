import {
  type Backend,
  type CoreModule,
  canShare,
  coreModule,
  hasSimd,
  wasmModule,
} from "./core.ts";

/** How to run the core. */
export interface EngineOptions {
  /** Which build of the core to run. Default: WebAssembly, as `simd` says. */
  backend?: Backend;
  /** Use the core's SIMD build. Default: if the runtime has it. */
  simd?: boolean;
  /** A compiled core, for hosts that must not compile one. Default: the package's own. */
  module?: WebAssembly.Module;
  /**
   * Keep config and cohorts in memory that other threads can `Engine.attach` to. Where that
   * is not possible (in a browser, a page that is not cross-origin isolated; backend "js"),
   * `engine.shared` is false. Default: false.
   */
  shared?: boolean;
}

/** The build of the core that the options ask for, or the best there is. */
export function moduleOf({ module, backend, simd, shared }: EngineOptions): CoreModule {
  const chosen = backend ?? ((simd ?? hasSimd()) ? "wasm-simd" : "wasm");
  const isShared = shared === true && chosen !== "js" && canShare();
  return module ? wasmModule(module, chosen, isShared) : coreModule(chosen, isShared);
}
