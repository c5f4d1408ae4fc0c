// What a page has to load. The budgets are what is reached today, rounded up: a change that costs
// more has to say so here, and in docs/runtimes.md.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build } from "esbuild";
import { describe, expect, test } from "vitest";

const KIB = 1024;
/** Host and inlined core. */
const ENGINE_MAX = 33 * KIB;
const CORE_MAX = 5.5 * KIB;
const JS_CORE_MAX = 7.5 * KIB;
/** What is left of the engine where only a function of it is used. */
const FUNCTION_MAX = 0.5 * KIB;

interface Output {
  text: string;
  size: number;
}

/** First what is loaded at once, then what is imported lazily. */
async function bundle(contents: string, options: BuildOptions = {}): Promise<Output[]> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    outdir: "bundle",
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    logLevel: "silent",
    ...options,
  });
  return outputFiles!.map(({ text, contents: bytes }) => ({
    text,
    size: gzipSync(bytes, { level: 9 }).length,
  }));
}

describe("a browser's bundle of the engine", async () => {
  const all = 'export * from "halyard/engine"';
  const [engine, js, ...others] = await bundle(all);
  const [host] = await bundle(all, { external: ["*/core-inline.js"] });

  test("stays within its budget", () => {
    expect(engine.size).toBeLessThanOrEqual(ENGINE_MAX);
    expect(engine.size - host.size).toBeLessThanOrEqual(CORE_MAX);
  });

  test("has the core as JavaScript in a file of its own, which is the only other one", () => {
    expect(js.size).toBeLessThanOrEqual(JS_CORE_MAX);
    expect(js.text).not.toContain("WebAssembly");
    expect(engine.text).not.toContain("instantiate(imports)");
    expect(others).toEqual([]);
  });

  test("has nothing of Node, no code made of texts, and awaits nothing at its top", () => {
    expect(engine.text).not.toMatch(/node:|\brequire\(|\beval\(|new Function|^await|;await/);
  });

  test("leaves out what is not used", async () => {
    const [one] = await bundle('export { toContext } from "halyard/engine"');
    expect(one.size).toBeLessThanOrEqual(FUNCTION_MAX);
  });
});

test("a worker's bundle imports the core as a module, and carries no other", async () => {
  const conditions = ["workerd", "worker", "browser"];
  const [{ text }] = await bundle('export * from "halyard/engine"', {
    conditions,
    external: ["*.wasm"],
  });
  expect(text.match(/from ?"[^"]*\.wasm"/g)).toHaveLength(1);
  expect(text).toContain("core.simd.wasm");
  expect(text).not.toMatch(/0061736d01/);
});
