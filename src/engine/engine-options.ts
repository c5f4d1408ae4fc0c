import type { Backend } from "./core.ts";

/** How to run the core. */
export interface EngineOptions {
  /**
   * Which build of the core to run. Default: WebAssembly, as `simd` says, and JavaScript where
   * WebAssembly is not to be had, as on a page whose content security policy forbids it.
   */
  backend?: Backend;
  /** Use the core's SIMD build. Default: if the runtime has it, and the package brings it there. */
  simd?: boolean;
  /**
   * A compiled core, or one that is being compiled, as by
   * `WebAssembly.compileStreaming`. Default: the package's own.
   */
  module?: WebAssembly.Module | Promise<WebAssembly.Module>;
  /**
   * Keep config and cohorts in memory that other threads can `Engine.attach` to. Where that
   * is not possible (in a browser, a page that is not cross-origin isolated, or without a
   * `module`; backend "js"), `engine.shared` is false. Default: false.
   */
  shared?: boolean;
}

/** Options of {@link Engine.loadSync}. */
export interface SyncEngineOptions extends EngineOptions {
  module?: WebAssembly.Module;
}
