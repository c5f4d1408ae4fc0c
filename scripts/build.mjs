// Compiles the WebAssembly core (two targets) and the TypeScript into dist/.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { markBuilt, root } from "./stamp.mjs";

const asc = ["node_modules/assemblyscript/bin/asc.js", "--config", "asconfig.json", "--target"];
const steps = [
  { name: "core.wasm", args: [...asc, "release"] },
  { name: "core.simd.wasm", args: [...asc, "simd"] },
  { name: "TypeScript", args: ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"] },
];

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

const startedAt = Date.now();
mkdirSync(join(root, "dist"), { recursive: true });
const results = await Promise.all(steps.map(compile));
for (const { name, code, output } of results) {
  // Output is only shown per tool, after it ended: three tools at once would mix their lines.
  if (code !== 0) process.stderr.write(`build: ${name} failed (exit ${code})\n${output}`);
  else if (output.trim() !== "") process.stderr.write(output);
}
if (results.some((result) => result.code !== 0)) process.exit(1);
chmodSync(join(root, "dist", "src", "cli", "main.js"), 0o755);
markBuilt(startedAt);
