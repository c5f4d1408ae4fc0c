// dist/core.js and its like: a core as plain JavaScript, by Binaryen's wasm2js.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./stamp.mjs";

/** What wasm2js writes; {@link writeCoreJs} makes a module of it. */
export const translated = join("dist", "core.wasm2js.js");

/** Arguments for Node. The core fills memory, so wasm2js must be told of bulk memory. */
export const wasm2js = (wasm) => [
  "node_modules/binaryen/bin/wasm2js",
  join("dist", wasm),
  "--enable-bulk-memory",
  "-O3",
  "-o",
  translated,
];

/**
 * wasm2js writes a module with one instance in it, and helpers that share variables. Here the
 * whole of it becomes a function, so that each call makes an instance of its own.
 */
export function writeCoreJs(name) {
  const text = readFileSync(join(root, translated), "utf8");
  const end = text.indexOf("var memasmFunc");
  // Growing is left to the translated code: it renews the views that it has made of the buffer.
  if (end < 0 || !text.includes("memory.grow = __wasm_memory_grow")) {
    throw new Error("wasm2js wrote something else than expected");
  }
  const head = "export function instantiate(imports) {";
  writeFileSync(
    join(root, "dist", name),
    `${head}\n${text.slice(0, end)}return asmFunc(imports);\n}\n`,
  );
}
