// What the build puts into dist/ beside the compiled sources (scripts/build.mjs).

declare module "*/core.js" {
  export const instantiate: import("./core.ts").JsBuild["instantiate"];
}

declare module "*/core-compact.js" {
  export const instantiate: import("./core.ts").JsBuild["instantiate"];
}

declare module "*/core-inline.js" {
  /** The bytes of core.wasm, two hexadecimal digits each. */
  export const core: string;
}

declare module "*/core-compact-inline.js" {
  /** The bytes of core.compact.wasm, two hexadecimal digits each. */
  export const core: string;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
