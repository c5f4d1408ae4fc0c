// What the figures were measured with.
import { existsSync, readFileSync } from "node:fs";
import { cpus, release, type } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder: this file runs as dist/bench/machine.js. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Version of an installed package; `folder` is the one its node_modules lies in. */
export function versionOf(name: string, folder = root): string {
  const path = join(folder, "node_modules", name, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : "not installed";
}

export function versions(): string[] {
  const halyard = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  const names = [
    "@amplitude/experiment-core",
    "@amplitude/experiment-node-server",
    "tinybench",
    "benchmark",
    "binaryen",
  ];
  return [`halyard ${halyard}`, ...names.map((name) => `${name} ${versionOf(name)}`)];
}

export function machine(): string {
  const processors = cpus();
  const cpu = processors[0]?.model.trim() ?? "unknown CPU";
  const system = `${type()} ${release()} ${process.arch}`;
  return `${cpu}, ${processors.length} cores, Node ${process.versions.node}, ${system}`;
}
