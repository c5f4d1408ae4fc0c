// A greedy shrinker: remove anything whose absence keeps the failure, until nothing can go.
import { inspect } from "node:util";
import type { EvaluationContext } from "halyard/engine";

/** Keys a flag config cannot be read without; only what stands inside them is removed. */
const REQUIRED = new Set([
  ...["key", "segments", "variants", "selector", "op", "values", "range", "salt"],
  ...["allocations", "distributions", "user"],
]);
/** Fixed-length or positional lists. */
const FIXED = new Set(["range", "selector"]);
const ATTEMPTS_MAX = 4_000;

type Path = (string | number)[];
export type Case = { flags: unknown; context: EvaluationContext };

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** Every removable place, large things first. */
function removablePaths(root: unknown): Path[] {
  const found: Path[] = [];
  let level: [Path, unknown][] = [[[], root]];
  while (level.length > 0 && found.length < ATTEMPTS_MAX) {
    const below: [Path, unknown][] = [];
    for (const [path, value] of level) {
      if (FIXED.has(String(path.at(-1)))) continue;
      // Entries() instead of a map: a sparse array has places a map would skip.
      const children: [string | number, unknown][] = Array.isArray(value)
        ? [...value.entries()]
        : isPlain(value)
          ? Object.entries(value)
          : [];
      for (const [name, child] of children) {
        const childPath = [...path, name];
        if (typeof name === "number" || !REQUIRED.has(name)) found.push(childPath);
        below.push([childPath, child]);
      }
    }
    level = below;
  }
  return found;
}

function without(root: unknown, path: Path): unknown {
  const [name, ...rest] = path;
  if (Array.isArray(root)) {
    const copy = [...root];
    if (rest.length === 0) copy.splice(Number(name), 1);
    else copy[Number(name)] = without(copy[Number(name)], rest);
    return copy;
  }
  const copy = { ...(root as Record<string, unknown>) };
  if (rest.length === 0) delete copy[String(name)];
  else copy[String(name)] = without(copy[String(name)], rest);
  return copy;
}

/** The smallest case this finds for which `fails` still holds. */
export function shrink(start: Case, fails: (candidate: Case) => boolean): Case {
  let best = start;
  let attempts = 0;
  for (let improved = true; improved && attempts < ATTEMPTS_MAX; ) {
    improved = false;
    for (const part of ["flags", "context"] as const) {
      // A removal moves everything behind it, so the paths are read anew after each.
      let paths = removablePaths(best[part]);
      for (let i = 0; i < paths.length && attempts < ATTEMPTS_MAX; i++, attempts++) {
        const candidate = { ...best, [part]: without(best[part], paths[i]) };
        if (!fails(candidate)) continue;
        best = candidate;
        improved = true;
        paths = removablePaths(best[part]);
        i--;
      }
    }
  }
  return best;
}

/** For a terminal: inspect shows undefined, NaN, -0, dates and functions, JSON would not. */
export function show(value: unknown): string {
  const limits = { depth: 30, maxArrayLength: 50, maxStringLength: 200, breakLength: 100 };
  return inspect(value, limits);
}
