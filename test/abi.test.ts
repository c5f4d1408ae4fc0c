import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const GZIP_BYTES_MAX = 10 * 1024;

const BUILDS = ["core.wasm", "core.simd.wasm", "core.shared.wasm", "core.shared.simd.wasm"];

describe.each(BUILDS)("%s", (name) => {
  const bytes = readFileSync(new URL(`../dist/${name}`, import.meta.url));
  const module = new WebAssembly.Module(bytes);

  test("imports nothing but memory", () => {
    const imports = WebAssembly.Module.imports(module);
    expect(imports).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
  });

  test("exports the documented functions and nothing else", () => {
    const names = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
    expect(names.sort()).toEqual([
      "function addMembers",
      "function bucketSegment",
      "function copyMembers",
      "function decidePredicate",
      "function hold",
      "function isSealed",
      "function isSlotMember",
      "function layoutVersion",
      "function openSession",
      "function release",
      "function run",
      "function runFlag",
      "function sealImage",
      "function sessionSize",
      "function sweep",
      "memory memory",
    ]);
  });

  test("stays within its size budget", () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  });
});

test("the two builds differ, so that the SIMD one is not the other by mistake", () => {
  const [scalar, simd] = ["core.wasm", "core.simd.wasm"].map((name) =>
    readFileSync(new URL(`../dist/${name}`, import.meta.url)),
  );
  expect(scalar.equals(simd)).toBe(false);
});
