// npm run test:runtimes -- [--write] [name ...]: the same cases in every runtime there is.
// The last line is always `N passed, N failed`; where CI is set, a runtime that is missing fails.
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { makeProject } from "./folder.ts";
import { installRuntimes } from "./install.ts";
import { type Row, runLane } from "./lane.ts";
import { lanes } from "./lanes.ts";
import { tableOf, writePage } from "./report.ts";
import { makeSamples } from "./samples.ts";

const USAGE = "usage: npm run test:runtimes -- [--write] [name ...]";

const say = (line: string) => process.stdout.write(`${line}\n`);

function tell({ lane, skipped, faults }: Row): void {
  if (skipped !== undefined) say(`${lane.name}: skipped: ${skipped}`);
  for (const fault of faults) say(`${lane.name}: ${fault}`);
}

async function runLanes(names: readonly string[]): Promise<Row[]> {
  const project = makeProject(makeSamples());
  const rows: Row[] = [];
  try {
    for (const lane of lanes) {
      if (names.length > 0 && !names.some((name) => lane.name.startsWith(name))) continue;
      const row = await runLane(lane, project);
      tell(row);
      rows.push(row);
    }
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  return rows;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { write: { type: "boolean" } },
    allowPositionals: true,
  });
  const problem = installRuntimes();
  if (problem) say(`the runtimes' packages could not be installed: ${problem}`);
  const rows = await runLanes(positionals);
  say(tableOf(rows));
  if (values.write) writePage(rows);
  const isMissing = (row: Row) => row.skipped !== undefined && process.env.CI === "true";
  const failed = rows.filter((row) => row.faults.length > 0 || isMissing(row)).length;
  const passed = rows.filter((row) => row.conformance && row.faults.length === 0).length;
  say(`${passed} passed, ${failed} failed`);
  return failed > 0 || rows.length === 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
  say("0 passed, 1 failed");
  process.exitCode = 1;
}
