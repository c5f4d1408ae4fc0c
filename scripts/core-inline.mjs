// dist/core-inline.js and its like: a core as a text, for bundles that are to be one file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./stamp.mjs";

/** In hexadecimal digits: base64 hides from gzip which bytes repeat, and is a fifth larger then. */
export function writeCoreInline(wasm, name) {
  const digits = readFileSync(join(root, "dist", wasm)).toString("hex");
  writeFileSync(join(root, "dist", name), `export const core = "${digits}";\n`);
}
