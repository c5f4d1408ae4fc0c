// Cloudflare's workerd, by miniflare: each run is a process of its own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bundle, bundle, gzipped } from "./bundle.ts";
import { requireRuntime, versionOf } from "./install.ts";
import type { Conformance, EngineName, Lane, Runner } from "./lane.ts";

interface Worker {
  ready: Promise<URL>;
  dispatchFetch(url: string, init: object): Promise<Response>;
  dispose(): Promise<void>;
}

interface Miniflare {
  Miniflare: new (options: object) => Worker;
}

const ENTRY = "worker-entry.js";
const COMPATIBILITY_DATE = "2025-09-01";

function modulesOf({ folder, files }: Bundle): object[] {
  const others = files.filter((name) => name !== ENTRY);
  return [ENTRY, ...others].map((path) => {
    const contents = readFileSync(join(folder, path));
    return path.endsWith(".wasm")
      ? { type: "CompiledWasm", path, contents }
      : { type: "ESModule", path, contents: contents.toString() };
  });
}

async function ask(worker: Worker, task: string, body: Buffer): Promise<unknown> {
  const init = { method: "POST", body };
  const response = await worker.dispatchFetch(`http://worker/?task=${task}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(text.split("\n")[0]);
  return JSON.parse(text);
}

/** Until the first answer, less what a request takes anyway. */
async function startOf(worker: Worker, body: Buffer): Promise<number> {
  await ask(worker, "nothing", body);
  const begin = performance.now();
  await ask(worker, "nothing", body);
  const middle = performance.now();
  await ask(worker, "start", body);
  return Math.max(0, performance.now() - middle - (middle - begin));
}

async function open(project: string, engine: EngineName): Promise<Runner | string> {
  const version = versionOf("workerd");
  if (!version) return "expected the package workerd, got none";
  const { Miniflare } = requireRuntime("miniflare") as Miniflare;
  const conditions = ["workerd", "worker", "browser"];
  const built = await bundle(project, "worker-entry.mjs", { engine, conditions });
  const use = async <Result>(call: (worker: Worker) => Promise<Result>): Promise<Result> => {
    const options = { compatibilityDate: COMPATIBILITY_DATE, cf: false };
    const worker = new Miniflare({ modules: modulesOf(built), ...options });
    try {
      await worker.ready;
      return await call(worker);
    } finally {
      await worker.dispose();
    }
  };
  const samples = readFileSync(join(project, "samples.json"));
  const { cold } = JSON.parse(samples.toString());
  const few = Buffer.from(JSON.stringify({ cases: [], cold }));
  const used = built.files.filter((name) => name !== ENTRY && !/^core-.*\.js$/.test(name));
  return {
    version,
    size: used.reduce((total, name) => total + gzipped(join(built.folder, name)), 0),
    conform: async () => (await use((worker) => ask(worker, "conform", samples))) as Conformance,
    start: () => use((worker) => startOf(worker, few)),
    [Symbol.asyncDispose]: async () => {},
  };
}

export function workerLane(name: string, backend: Lane["backend"], engine: EngineName): Lane {
  return { name, backend, shared: false, open: (project) => open(project, engine) };
}
