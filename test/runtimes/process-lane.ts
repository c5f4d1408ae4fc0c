// Node, Deno and Bun: each run is a process of its own.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipped } from "./bundle.ts";
import type { Conformance, EngineName, Lane, Runner } from "./lane.ts";

interface ProcessOptions {
  /** Binary, once the packages are installed; undefined = there is none. */
  find: () => string | undefined;
  /** What to say then. */
  missing: string;
  args?: readonly string[];
  env?: Record<string, string>;
  version?: RegExp;
  engine?: EngineName;
}

function run(command: string, args: readonly string[], env: Record<string, string>): string {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", ...env },
    timeout: 300_000,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim().split("\n").slice(0, 5).join("\n"));
  return stdout;
}

/** Of the engine's own files, each compressed, with the one core that is read. */
function sizeOf(project: string, core: string): number {
  const dist = join(project, "node_modules", "halyard", "dist");
  const engine = join(dist, "src", "engine");
  const scripts = readdirSync(engine).filter((name) => /\.js$/.test(name));
  const files = scripts.filter((name) => !/^core-(browser|workerd)|^js-build/.test(name));
  const paths = [...files.map((name) => join(engine, name)), join(dist, core)];
  return paths.reduce((total, path) => total + gzipped(path), 0);
}

export function processLane(name: string, backend: Lane["backend"], options: ProcessOptions): Lane {
  const { find, missing, args = [], env = {}, version = /\d\S*/ } = options;
  const { engine = "halyard/engine" } = options;
  const isWhole = engine === "halyard/engine";
  const open = async (project: string): Promise<Runner | string> => {
    const command = find();
    if (!command) return missing;
    const ask = (task: string) => {
      const files = [join(project, "process-entry.mjs"), join(project, "samples.json")];
      return JSON.parse(run(command, [...args, ...files, task, engine], env));
    };
    return {
      version: version.exec(run(command, ["--version"], {}))?.[0] ?? "unknown",
      size: isWhole ? sizeOf(project, backend === "js" ? "core.js" : "core.simd.wasm") : undefined,
      conform: async () => ask("conform") as Conformance,
      start: async () => (ask("start") as { ms: number }).ms,
      [Symbol.asyncDispose]: async () => {},
    };
  };
  return { name, backend, shared: isWhole && backend !== "js", open };
}
