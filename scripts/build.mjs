// Compiles the core (WebAssembly with and without SIMD, JavaScript) and the TypeScript into dist/.
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeCoreInline } from "./core-inline.mjs";
import { translated, wasm2js, writeCoreJs } from "./core-js.mjs";
import { markBuilt, root } from "./stamp.mjs";

const assembler = "node_modules/assemblyscript/bin/asc.js";
const asc = [assembler, "--config", "asconfig.json", "--target"];
const compact = [assembler, "--config", "asconfig.compact.json", "--target", "release"];
const steps = [
  { name: "core.wasm", args: [...asc, "release"] },
  { name: "core.simd.wasm", args: [...asc, "simd"] },
  { name: "core.shared.wasm", args: [...asc, "shared"] },
  { name: "core.shared.simd.wasm", args: [...asc, "shared-simd"] },
  { name: "core.compact.wasm", args: compact },
  { name: "TypeScript", args: ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"] },
];
/** The service's page, of which TypeScript compiles the scripts only. */
const page = join("src", "service", "page");

function compile({ name, args }) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => done({ name, code: 1, output: `${error.message}\n` }));
    child.on("close", (code, signal) => {
      const end = signal ? `ended by ${signal}\n` : "";
      done({ name, code: code ?? 1, output: output + end });
    });
  });
}

/** Of the assembler: it has tried once more, and found nothing better. */
const NOISE = "Last converge was suboptimal.\n";

/** Output is only shown per tool, after it ended: three tools at once would mix their lines. */
function report(results) {
  for (const { name, code, output } of results) {
    if (code !== 0) process.stderr.write(`build: ${name} failed (exit ${code})\n${output}`);
    else process.stderr.write(output.replaceAll(NOISE, ""));
  }
  if (results.some((result) => result.code !== 0)) process.exit(1);
}

const startedAt = Date.now();
mkdirSync(join(root, "dist"), { recursive: true });
report(await Promise.all(steps.map(compile)));
for (const [wasm, name] of [
  ["core.wasm", "core"],
  ["core.compact.wasm", "core-compact"],
]) {
  report([await compile({ name: `${name}.js`, args: wasm2js(wasm) })]);
  writeCoreJs(`${name}.js`);
  writeCoreInline(wasm, `${name}-inline.js`);
}
rmSync(join(root, translated));
for (const name of readdirSync(join(root, page)).filter((it) => /\.(html|css)$/.test(it))) {
  cpSync(join(root, page, name), join(root, "dist", page, name));
}
chmodSync(join(root, "dist", "src", "cli", "main.js"), 0o755);
markBuilt(startedAt);
