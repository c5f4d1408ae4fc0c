// Where things lie. The compiled file runs as dist/test/runtimes/folder.js.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
/** The sources, and the packages that are installed on first use. */
export const home = join(root, "test", "runtimes");

/**
 * A project that has the package installed, as it is published: what is resolved here is resolved
 * as a user's runtime or bundler does it.
 */
export function makeProject(samples: unknown): string {
  const project = mkdtempSync(join(tmpdir(), "halyard-runtimes-"));
  const target = join(project, "node_modules", "halyard");
  mkdirSync(target, { recursive: true });
  cpSync(join(root, "package.json"), join(target, "package.json"));
  const cores = readdirSync(join(root, "dist")).filter((name) => name.startsWith("core"));
  for (const name of [...cores, join("src", "engine"), "assembly"]) {
    cpSync(join(root, "dist", name), join(target, "dist", name), { recursive: true });
  }
  const entries = readdirSync(home).filter((name) => name.endsWith(".mjs"));
  for (const name of entries) cpSync(join(home, name), join(project, name));
  const manifest = { private: true, type: "module", dependencies: { halyard: "*" } };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(project, "samples.json"), JSON.stringify(samples));
  return project;
}
