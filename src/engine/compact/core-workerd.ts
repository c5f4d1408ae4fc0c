// Workers may not compile: the module comes compiled.

import module from "../../../core.compact.wasm";

export const compileSync = (): WebAssembly.Module => module;
export const compile = async (): Promise<WebAssembly.Module> => module;
