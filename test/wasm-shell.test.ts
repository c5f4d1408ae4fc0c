// The core outside of any JavaScript engine's WebAssembly: Binaryen's interpreter runs what a host
// has done.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Engine, type EvaluationContext, type EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { flagOf, on } from "./agree.ts";
import { ForeignHost, IMAGE, type Step } from "./foreign-host.ts";
import { evaluateWithOracle } from "./oracle.ts";

const shell = fileURLToPath(new URL("../node_modules/binaryen/bin/wasm-shell", import.meta.url));
const core = (name: string) => readFileSync(new URL(`../dist/${name}`, import.meta.url));

const half = {
  selector: ["context", "user", "user_id"],
  salt: "salt",
  allocations: [{ range: [0, 50], distributions: [{ variant: "on", range: [0, 42949673] }] }],
};
const flags: EvaluationFlag[] = [
  flagOf("half", [{ bucket: half, variant: "other" }]),
  flagOf("is", [{ conditions: [[on("plan", "is", "pro", "team")]], variant: "on" }]),
  flagOf("list", [{ conditions: [[on("tags", "set contains any", "b")]], variant: "on" }]),
  flagOf("number", [{ conditions: [[on("age", "greater", "17")]], variant: "on" }]),
  flagOf("regex", [{ conditions: [[on("plan", "regex match", "^p")]], variant: "on" }]),
  flagOf("text", [
    { conditions: [[on("name", "contains", "SS")]], variant: "on" },
    { conditions: [[on("plan", "is not", "pro")]], variant: "other" },
  ]),
];
const users = [
  { user_id: "u1", plan: "pro", name: "Gross", age: "18", tags: ["a", "b"] },
  { user_id: "u2", plan: "free", name: "x", age: "17", tags: ["a"] },
  { user_id: "u3", plan: "team" },
  {},
];

const bytesOf = (bytes: Uint8Array) =>
  [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");

function lineOf(step: Step): string {
  if (step.kind === "write") {
    return `(invoke $env "set" (i32.const ${step.at}) (i32.const ${step.word}))`;
  }
  if (step.kind === "read") {
    return `(assert_return (invoke $env "get" (i32.const ${step.at})) (i32.const ${step.word}))`;
  }
  const args = step.args.map((arg) => ` (i32.const ${arg})`).join("");
  const call = `(invoke "${step.name}"${args})`;
  return step.result === undefined ? call : `(assert_return ${call} (i32.const ${step.result}))`;
}

/**
 * The same calls and the same words, and what has to come out of them. The core has no name there:
 * the interpreter takes names for modules in text only.
 */
function scriptOf(wasm: Uint8Array, image: Uint8Array, { pages, steps }: ForeignHost): string {
  return [
    "(module $env",
    `  (memory (export "memory") ${pages})`,
    `  (data (i32.const ${IMAGE}) "${bytesOf(image)}")`,
    '  (func (export "set") (param i32 i32) (i32.store (local.get 0) (local.get 1)))',
    '  (func (export "get") (param i32) (result i32) (i32.load (local.get 0))))',
    '(register "env" $env)',
    `(module binary "${bytesOf(wasm)}")`,
    ...steps.map(lineOf),
    "",
  ].join("\n");
}

function runShell(script: string) {
  const folder = mkdtempSync(join(tmpdir(), "halyard-shell-"));
  const path = join(folder, "core.wast");
  writeFileSync(path, script);
  const { status, stdout, stderr } = spawnSync(shell, [path], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  return { status, output: `${stdout}${stderr}` };
}

describe.each(["core.wasm", "core.simd.wasm"])("%s", (name) => {
  const wasm = core(name);
  const image = Engine.loadSync(flags).toImage();
  const host = new ForeignHost(new WebAssembly.Module(wasm), image);
  const answers = users.map((user) => {
    host.begin({ user });
    const single = host.names.flagKeys.map((key) => host.variant(key).variant);
    return { single, all: host.all().map(({ variant }) => variant) };
  });

  test("a host made by docs/abi.md answers as the reference engine", () => {
    for (const [at, user] of users.entries()) {
      const expected = evaluateWithOracle(flags, { user } as EvaluationContext);
      const keys = host.names.flagKeys.map((key) => (expected[key] as { key?: string })?.key);
      expect(answers[at]).toEqual({ single: keys, all: keys });
    }
  });

  // Binaryen 131 looks for an imported memory in the wrong place when it loads 128 bits.
  if (name !== "core.wasm") return;
  const script = scriptOf(wasm, image, host);

  test("an interpreter answers so, too", () => {
    expect(runShell(script)).toMatchObject({ status: 0 });
  });

  test("an interpreter that answers otherwise would be seen", () => {
    const [wrong] = script.match(/\(assert_return \(invoke "runFlag".*\n/) ?? [];
    const other = wrong!.replace(/\(i32\.const -?\d+\)\)\n$/, "(i32.const 4711))\n");
    expect(runShell(script.replace(wrong!, other)).status).not.toBe(0);
  });
});
