// The walls of the house, see CONTRIBUTING.md.
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const LINE_COLUMNS_MAX = 100;
const FILE_LINES_MAX = 320;
const FUNCTION_LINES_MAX = 70;

function filesUnder(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes("node_modules"))
    .map((name) => `${folder}/${name}`);
}

const sources = ["assembly", "src", "test", "bench", "scripts"].flatMap(filesUnder);
const linesOf = (file: string) => readFileSync(root + file, "utf8").split("\n");

/** Lines of each top-level or member function: from its head to the brace on the same column. */
function functionLengths(lines: readonly string[]): number[] {
  const lengths: number[] = [];
  for (const [start, line] of lines.entries()) {
    const head = /^(\s*)(export |async |private |static |get |function |#|\w+\().*\{$/.exec(line);
    if (!head || /^\s*(if|for|while|switch|else|try|interface|class|describe)\b/.test(line))
      continue;
    if (!line.includes("(") || /export (class|interface|const)/.test(line)) continue;
    const end = lines.findIndex((other, at) => at > start && other.startsWith(`${head[1]}}`));
    if (end > 0) lengths.push(end - start + 1);
  }
  return lengths;
}

const SERVICE = ["service/files", "service/fleet", "service/routes"];

/** What the folders of `src` above the engine import besides their own; "" = `src` itself. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  "": ["engine", "sdk", "tracking", "remote", "local"],
  browser: ["engine", "engine/compact", "sdk"],
  cli: ["engine", "sdk", "service", "service/node"],
  sdk: ["engine"],
  tracking: ["engine", "sdk"],
  remote: ["engine", "sdk"],
  local: ["engine", "sdk", "tracking"],
  service: ["engine", "sdk", "tracking", "local", ...SERVICE],
  "service/files": ["engine", "sdk", "local", "service"],
  "service/fleet": ["engine", "sdk", "local", "service"],
  "service/node": ["engine", "sdk", "tracking", "service"],
  "service/ofrep": ["engine", "sdk", "service"],
  "service/page": ["engine", "sdk", "service"],
  "service/routes": ["engine", "sdk", "service", "service/files", "service/ofrep"],
};

function importsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /(?:from|import) ?\(?"(\.[^"]*)"/.exec(line)?.[1] ?? []);
}

function mayImport(file: string, target: string): boolean {
  const [folder, other] = [file, target].map((it) => posix.relative("src", posix.dirname(it)));
  if (/^engine\b/.test(other) && posix.basename(target) !== "index.ts") return false;
  return folder === other || (IMPORTS[folder]?.includes(other) ?? false);
}

/** What the build puts beside the compiled sources. */
function isBuiltCore(file: string, path: string): boolean {
  const isLoader = /\/(core-\w+|js-build|compact\/build)\.ts$/.test(file);
  return isLoader && /^(\.\.\/){2,3}core/.test(path);
}

describe.each(sources)("%s", (file) => {
  const lines = linesOf(file);

  test("has short lines, functions and files", () => {
    const long = lines.filter((line) => line.length > LINE_COLUMNS_MAX);
    expect(long).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(FILE_LINES_MAX);
    expect(Math.max(0, ...functionLengths(lines))).toBeLessThanOrEqual(FUNCTION_LINES_MAX);
  });

  test("imports one way", () => {
    for (const path of importsOf(lines)) {
      if (file.startsWith("assembly/")) expect(path).toMatch(/^\.\/[\w-]+(\.ts)?$/);
      if (file.startsWith("src/engine/")) {
        if (isBuiltCore(file, path)) continue;
        const layout = /^(\.\.\/){2,3}assembly\/(store-|sweep-)?layout\.ts$/;
        const own = file.startsWith("src/engine/compact/")
          ? /^\.\.?\/[\w-]+\.ts$/
          : /^\.\/[\w-]+\.ts$/;
        expect(layout.test(path) || own.test(path), path).toBe(true);
      } else if (file.startsWith("src/")) {
        expect(mayImport(file, posix.join(posix.dirname(file), path)), path).toBe(true);
      }
    }
  });

  test("has nothing unfinished in it", () => {
    const words = new RegExp(["TO", "DO|FIX", "ME"].join(""));
    expect(lines.filter((line) => words.test(line))).toEqual([]);
  });
});

test("the engine has no clock, chance, environment or network", () => {
  for (const file of [...filesUnder("src/engine"), ...filesUnder("assembly")]) {
    const text = readFileSync(root + file, "utf8");
    expect(text, file).not.toMatch(/\b(Date\.now|Math\.random|process\.|fetch\(|console\.|eval\()/);
  }
});

test("no file of the service imports itself, through whatever others", () => {
  const seen = new Map<string, "open" | "done">();
  const visit = (file: string, path: readonly string[]) => {
    expect(seen.get(file), [...path, file].join(" > ")).not.toBe("open");
    if (seen.has(file)) return;
    seen.set(file, "open");
    for (const other of importsOf(linesOf(file))) {
      const target = posix.join(posix.dirname(file), other);
      if (target.startsWith("src/service/")) visit(target, [...path, file]);
    }
    seen.set(file, "done");
  };
  for (const file of filesUnder("src/service")) visit(file, []);
});

test("the engine imports nothing but its own files, apart from how Node reads the core", () => {
  for (const file of filesUnder("src/engine")) {
    const foreign = linesOf(file).filter((line) => /(from|import) ?\(?"[^.]/.test(line));
    const name = posix.basename(file);
    if (name === "core-node.ts") continue;
    const isCore = (line: string) => name === "build.ts" && /"#(compact-)?core";$/.test(line);
    expect(foreign.filter((line) => !isCore(line))).toEqual([]);
  }
});

test("what browsers are served imports nothing but itself, apart from types", () => {
  for (const file of [...filesUnder("src/service/page"), "src/sdk/json-fault.ts"]) {
    const values = linesOf(file).filter((line) => !line.startsWith("import type "));
    for (const path of importsOf(values))
      expect(path, file).toMatch(/^(\.\/[\w-]+|\.\.\/\.\.\/sdk\/json-fault)\.ts$/);
  }
});

test("of the browser client only evaluator.ts has values of the engine", () => {
  for (const file of filesUnder("src/browser").filter((it) => !it.endsWith("/evaluator.ts"))) {
    const text = readFileSync(root + file, "utf8").replace(/import type [^;]*;/g, "");
    expect(text, file).not.toMatch(/engine\/(compact\/)?index\.ts/);
  }
});

test("only memory.ts and core*.ts make modules and instances, and grow memories", () => {
  for (const file of filesUnder("src")) {
    if (/engine\/(memory|core(-\w+)?)\.ts$/.test(file)) continue;
    const text = readFileSync(root + file, "utf8");
    expect(text, file).not.toMatch(/new WebAssembly|memory\.buffer|\.grow\(/);
  }
});
