// Run by a page: `?task=start` or `?task=conform`, and `&core=<file>` for one that is fetched,
// `&shared` for one that wants shared memory.
import { conform, start } from "./conformance.mjs";

const query = new URLSearchParams(location.search);
// What it stands for is said where it is bundled.
const load = () => import(ENGINE);
const core = query.get("core");
const shared = query.has("shared");
const fetched = () => ({ module: WebAssembly.compileStreaming(fetch(`/${core}`)), shared });
const options = core ? fetched : undefined;

async function run() {
  const samples = await (await fetch("/samples.json")).json();
  if (query.get("task") === "start") return start(load, samples, options);
  return conform(load, samples, options);
}

const result = await run().catch((error) => ({ error: String(error) }));
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
