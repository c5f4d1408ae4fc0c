// Run by Node, Deno and Bun with the file of cases, what to do, and by which engine; prints the
// result as JSON.
import { readFileSync } from "node:fs";
import process from "node:process";
import { conform, start } from "./conformance.mjs";

const [path, task, engine] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(path, "utf8"));
const load = () => import(engine);
const result = await (task === "start" ? start : conform)(load, samples);
process.stdout.write(`${JSON.stringify(result)}\n`);
