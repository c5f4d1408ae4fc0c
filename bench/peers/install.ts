// The peers' packages: installed apart, on first use, and loaded from there.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../machine.ts";
import type { Load } from "./peer.ts";

export const folder = join(root, "bench", "peers");

/** What npm said if it failed. A single package that fails shows when its peer is opened. */
export function installPeers(): string | undefined {
  if (existsSync(join(folder, "node_modules"))) return undefined;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const shell = process.platform === "win32";
  const { status, error, stderr } = spawnSync("npm", args, {
    cwd: folder,
    shell,
    encoding: "utf8",
  });
  if (error) return error.message;
  return status === 0 ? undefined : stderr.trim();
}

export const load: Load = createRequire(join(folder, "package.json"));
