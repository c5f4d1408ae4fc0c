// dist/core-inline.js: core.wasm as a text, for bundles that are to be one file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./stamp.mjs";

/** In hexadecimal digits: base64 hides from gzip which bytes repeat, and is a fifth larger then. */
export function writeCoreInline() {
  const digits = readFileSync(join(root, "dist", "core.wasm")).toString("hex");
  writeFileSync(join(root, "dist", "core-inline.js"), `export const core = "${digits}";\n`);
}
