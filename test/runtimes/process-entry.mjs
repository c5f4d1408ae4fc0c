// Run by Node, Deno and Bun with the file of cases and what to do; prints the result as JSON.
import { readFileSync } from "node:fs";
import process from "node:process";
import { conform, start } from "./conformance.mjs";

const [path, task] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(path, "utf8"));
const load = () => import("halyard/engine");
const result =
  task === "start" ? await start(load, samples) : await conform((await load()).Engine, samples);
process.stdout.write(`${JSON.stringify(result)}\n`);
