// Bundles of the entries, by esbuild as a user would call it.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { EngineName } from "./lane.ts";

export interface Bundle {
  folder: string;
  files: string[];
}

/** Beside the entry in a folder of its own; what is imported lazily is in further files. */
export async function bundle(
  project: string,
  entry: string,
  { engine, conditions }: { engine: EngineName; conditions?: string[] },
): Promise<Bundle> {
  const folder = join(project, entry.replace(/\.mjs$/, ""));
  // Of the lane before.
  rmSync(folder, { recursive: true, force: true });
  await build({
    entryPoints: [join(project, entry)],
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions,
    define: { ENGINE: JSON.stringify(engine) },
    loader: { ".wasm": "copy" },
    logLevel: "silent",
  });
  return { folder, files: readdirSync(folder).sort() };
}

export const gzipped = (path: string) => gzipSync(readFileSync(path), { level: 9 }).length;
