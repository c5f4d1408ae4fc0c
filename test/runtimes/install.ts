// The runtimes' packages: installed apart, on first use.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { home, root } from "./folder.ts";

/** What npm said if it failed. A single package that is missing shows when it is looked for. */
export function installRuntimes(): string | undefined {
  if (existsSync(join(home, "node_modules"))) return undefined;
  // The binaries lie in packages of their own, so that no script of a package need run.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const shell = process.platform === "win32";
  const { status, error, stderr } = spawnSync("npm", args, { cwd: home, shell, encoding: "utf8" });
  if (error) return error.message;
  return status === 0 ? undefined : stderr.trim();
}

/** Of the packages that were installed here. */
export const requireRuntime = createRequire(join(home, "package.json"));

const firstOf = (paths: readonly string[]) => paths.find((path) => existsSync(path));
const suffix = process.platform === "win32" ? ".exe" : "";

/** Another version of Node. */
export function nodeBinary(major: number): string | undefined {
  return firstOf([join(home, "node_modules", `node-${major}`, "bin", `node${suffix}`)]);
}

/** The fastest build of Bun that this machine may run. */
export function bunBinary(): string | undefined {
  const name = `bun-${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  return firstOf(
    [name, `${name}-baseline`].map((each) =>
      join(home, "node_modules", "@oven", each, "bin", `bun${suffix}`),
    ),
  );
}

/** The binary itself: what npm puts in front of it leaves it running when it is ended. */
export function denoBinary(): string | undefined {
  const { platform, arch } = process;
  const name = `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`;
  try {
    const manifest = createRequire(join(root, "package.json")).resolve(`${name}/package.json`);
    return firstOf([join(dirname(manifest), `deno${suffix}`)]);
  } catch {
    return undefined;
  }
}

export function chromiumBinary(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return firstOf(folders.flatMap((folder) => names.map((name) => join(folder, name))));
}

/** Version of a package that was installed here; undefined = it was not. */
export function versionOf(name: string): string | undefined {
  const path = join(home, "node_modules", name, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : undefined;
}
