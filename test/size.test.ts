// What a page has to load: the budgets, and that docs/runtimes.md says what is measured here.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build } from "esbuild";
import { describe, expect, test } from "vitest";

const KIB = 1024;
const COMPACT_MAX = 16 * KIB;
const CLIENT_MAX = 24 * KIB;
/** Old browsers compile no larger modules at once. */
const SYNC_MODULE_MAX = 4 * KIB;
/** What is reached today, rounded up: a change that costs more has to say so. */
const ENGINE_MAX = 33 * KIB;
/** What is left of an engine where only a function of it is used. */
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

const docs = readFileSync(new URL("../docs/runtimes.md", import.meta.url), "utf8");

/** The docs' table has a row that begins so, and its number is right to the last digit. */
function expectStated(name: string, size: number): void {
  const row = docs.split("\n").find((line) => line.startsWith(`| ${name} |`));
  expect(row?.split("|")[2].trim(), name).toBe((size / KIB).toFixed(1));
}

/** Nothing of Node, no code made of texts, nothing awaited at its top. */
function expectPortable({ text }: Output): void {
  expect(text).not.toMatch(/node:|\brequire\(|\beval\(|new Function|^await|;await/);
}

describe.each([
  ["engine", "core-inline", ENGINE_MAX],
  ["engine/compact", "core-compact-inline", COMPACT_MAX],
])("a browser's bundle of halyard/%s", async (name, core, max) => {
  const all = `export * from "halyard/${name}"`;
  const [engine, js, ...others] = await bundle(all);
  const [host] = await bundle(all, { external: [`*/${core}.js`] });

  test("stays within its budget", () => {
    expect(engine.size).toBeLessThanOrEqual(max);
    expectStated(`\`halyard/${name}\`, host and core`, engine.size);
    expectStated(`the core of \`halyard/${name}\``, engine.size - host.size);
    expectStated(`the same core as JavaScript, of \`halyard/${name}\``, js.size);
  });

  test("has the core as JavaScript in a file of its own, which is the only other one", () => {
    expect(js.text).not.toContain("WebAssembly");
    expect(engine.text).not.toContain("instantiate(imports)");
    expect(others).toEqual([]);
  });

  test("is portable", () => {
    for (const output of [engine, js]) expectPortable(output);
  });

  test("leaves out what is not used", async () => {
    const [one] = await bundle(`export { toContext } from "halyard/${name}"`);
    expect(one.size).toBeLessThanOrEqual(FUNCTION_MAX);
  });
});

describe("the browser client", async () => {
  const [client, js, ...others] = await bundle('export * from "halyard/browser"');

  test("stays within its budget, next to Amplitude's", async () => {
    const [theirs] = await bundle('export * from "@amplitude/experiment-js-client"');
    expect(client.size).toBeLessThanOrEqual(CLIENT_MAX);
    expectStated("`halyard/browser`", client.size);
    expectStated("`@amplitude/experiment-js-client`", theirs.size);
  });

  test("can compile its core at once", () => {
    const core = readFileSync(new URL("../dist/core.compact.wasm", import.meta.url));
    expect(core.length).toBeLessThan(SYNC_MODULE_MAX);
  });

  test("has the core as JavaScript in a file of its own, which is the only other one", () => {
    expect(js.text).not.toContain("WebAssembly");
    expect(client.text).not.toContain("instantiate(imports)");
    expect(others).toEqual([]);
  });

  test("is portable", () => {
    for (const output of [client, js]) expectPortable(output);
  });
});

describe.each([
  ["engine", "core.simd.wasm"],
  ["engine/compact", "core.compact.wasm"],
])("a worker's bundle of halyard/%s", (name, core) => {
  test("imports the core as a module, and carries no other", async () => {
    const conditions = ["workerd", "worker", "browser"];
    const [{ text }] = await bundle(`export * from "halyard/${name}"`, {
      conditions,
      external: ["*.wasm"],
    });
    expect(text.match(/from ?"[^"]*\.wasm"/g)).toHaveLength(1);
    expect(text).toContain(core);
    expect(text).not.toMatch(/0061736d01/);
  });
});
