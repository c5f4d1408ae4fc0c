// When was dist/ built, and has a source changed since? Only Node's own modules: this runs before
// the first `npm ci`.
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const stamp = join(root, "dist", ".built");
const sources = ["assembly", "src", "test", "bench"];
const settings = ["asconfig.json", "asconfig.compact.json", "tsconfig.json", "package.json"];
const products = [
  "core.wasm",
  "core.simd.wasm",
  "core.shared.wasm",
  "core.shared.simd.wasm",
  "core.js",
  "core-inline.js",
  "core.compact.wasm",
  "core-compact.js",
  "core-compact-inline.js",
  "src/cli/main.js",
];

/** Milliseconds of the last change, or 0 for a path that does not exist. */
export function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestUnder(folder) {
  // A folder's own time counts too: it moves when a file in it is deleted or renamed.
  let newest = changedAt(folder);
  if (newest === 0) return 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    // The bench's peers are installed among the sources, but are none.
    if (entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestUnder(path) : changedAt(path));
  }
  return newest;
}

/** Whether dist/ is complete and no source is newer than it. */
export function isBuilt() {
  const built = changedAt(stamp);
  if (built === 0) return false;
  if (products.some((name) => changedAt(join(root, "dist", name)) === 0)) return false;
  const newest = [
    ...sources.map((name) => newestUnder(join(root, name))),
    ...settings.map((name) => changedAt(join(root, name))),
  ];
  return newest.every((time) => time <= built);
}

/** Marks dist/ as made from the sources as they were at `startedAt`, so that a file saved while
 * the compilers ran still triggers the next build. */
export function markBuilt(startedAt) {
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(stamp, "");
  utimesSync(stamp, startedAt / 1000, startedAt / 1000);
}
