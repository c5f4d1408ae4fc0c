// npm run bench: Amplitude's engine and client, Halyard, and Halyard's core as JavaScript, measured
// side by side in one process. See README.md.
import { Command, type CommanderError, InvalidArgumentError, Option } from "commander";
import { checkAgreement } from "./agreement.ts";
import { allocationOf } from "./allocation.ts";
import { lineOf, verdictsOf, verdictsOfTails } from "./check.ts";
import { measureCrossovers } from "./crossover.ts";
import { type Findings, sectionsOf } from "./findings.ts";
import { type Fixture, makeFixture } from "./fixture.ts";
import { compareHarnesses } from "./harness.ts";
import type { Loaded } from "./lanes.ts";
import { machine, versions } from "./machine.ts";
import { type Budget, measure, sunk } from "./measure.ts";
import { writePages } from "./page.ts";
import { runPeers } from "./peers/run.ts";
import { plain } from "./report.ts";
import { measureTails } from "./tail.ts";
import { measureThreads, THREAD_PARTS } from "./threads/run.ts";
import { loadAll, type MeasuredRow, makeRows, type Row } from "./workloads.ts";

interface Options {
  quick?: boolean;
  write?: boolean;
  check?: boolean;
  peers?: boolean;
  only?: string[];
}

/** How much is done. */
interface Scale {
  rows: Budget;
  crossover: Budget;
  peers: Budget;
  allocationRepeats: number;
  agreementUsers: number;
  batchUsers: number;
  tailCalls: number;
}

const FULL: Scale = {
  rows: { rounds: 11, time: 60, warmup: 25 },
  crossover: { rounds: 5, time: 30, warmup: 15 },
  peers: { rounds: 5, time: 50, warmup: 20 },
  allocationRepeats: 5,
  agreementUsers: 1024,
  batchUsers: 10_000,
  tailCalls: 1_000_000,
};
const QUICK: Scale = {
  rows: { rounds: 2, time: 5, warmup: 3 },
  crossover: { rounds: 1, time: 3, warmup: 2 },
  peers: { rounds: 1, time: 5, warmup: 2 },
  allocationRepeats: 1,
  agreementUsers: 16,
  batchUsers: 64,
  tailCalls: 500,
};
const OWN_PARTS = ["W1", "W1b", "W2", "W3", "W4", "W5", "W7", "W8", "W9", "GC", "crossover"];
const PARTS = [...OWN_PARTS, ...THREAD_PARTS];
const TWO_HARNESSES = new Set(["W1", "W1b", "W2", "W3"]);
const USAGE = 2;
const INTERRUPTED = 130;

function parts(text: string): string[] {
  const names = text.split(",");
  const unknown = names.find((name) => !PARTS.includes(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`There is no ${unknown}, only ${PARTS.join(", ")}.`);
}

function readOptions(): Options {
  return new Command("npm run bench --")
    .description("Measures Halyard against Amplitude's engine and client, all in one process.")
    .option("--quick", "a short run whose figures mean little")
    .option("--only <parts>", `some of ${PARTS.join(",")}`, parts)
    .option("--peers", "other vendors' engines too; installs them on first use")
    .option("--check", "exit with 1 if a figure is not what it must be")
    .addOption(
      new Option("--write", "write docs/benchmarks.md, its charts, and the table in README.md")
        // A page of some rows would replace that of all.
        .conflicts("only"),
    )
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? 0 : USAGE))
    .parse()
    .opts<Options>();
}

function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

async function measureRow(
  row: Row,
  { rows: budget, allocationRepeats }: Scale,
): Promise<MeasuredRow> {
  progress(`${row.id}: ${row.title}`);
  const measured = await measure(row.contenders, budget);
  const allocations = [];
  for (const contender of row.contenders)
    allocations.push(await allocationOf(contender, allocationRepeats));
  return { row, measured, allocations };
}

async function agreementsOf(loaded: Record<keyof Fixture, Loaded>, users: number) {
  const agreements: Findings["agreements"] = [];
  for (const entry of Object.values(loaded)) {
    progress(`comparing answers: ${entry.workload.name}`);
    agreements.push([entry.workload, await checkAgreement(entry, users)]);
  }
  console.log(`All lanes agree on ${users} users of each workload, by every way to ask.`);
  return agreements;
}

async function run(options: Options): Promise<Findings> {
  const scale = options.quick ? QUICK : FULL;
  const wanted = (part: string) => !options.only || options.only.includes(part);
  const fixture = makeFixture();
  const loaded = loadAll(fixture);
  const agreements = await agreementsOf(loaded, scale.agreementUsers);
  const rows = makeRows(loaded, scale).filter(({ id }) => wanted(id.split(" ")[0]));
  const measured: MeasuredRow[] = [];
  const comparisons: Findings["comparisons"] = [];
  for (const row of rows) {
    const entry = await measureRow(row, scale);
    measured.push(entry);
    if (!TWO_HARNESSES.has(row.id)) continue;
    const compared = await compareHarnesses(row.contenders, entry.measured, scale.rows);
    comparisons.push(...compared.map((comparison) => ({ id: row.id, ...comparison })));
  }
  if (wanted("GC")) progress(`GC: ${scale.tailCalls} calls, each timed`);
  const tails = wanted("GC") ? await measureTails(loaded.many, scale.tailCalls) : [];
  if (wanted("crossover")) progress("crossover");
  const crossovers = wanted("crossover") ? await measureCrossovers(scale.crossover) : [];
  const threads = await measureThreads(options.quick === true, wanted, progress);
  const verdicts = [
    ...measured.flatMap(verdictsOf),
    ...(tails.length > 0 ? verdictsOfTails(tails) : []),
    ...(options.quick ? [] : threads.rows.flatMap(verdictsOf)),
    ...threads.verdicts,
  ];
  const peers = options.peers ? await runPeers(fixture, rows, scale.peers, progress) : undefined;
  const all = [...measured, ...threads.rows].sort((a, b) => (a.row.id < b.row.id ? -1 : 1));
  const { sections } = threads;
  return { agreements, rows: all, comparisons, tails, crossovers, sections, peers, verdicts };
}

async function main(): Promise<void> {
  const options = readOptions();
  console.log(`${machine()}\n${versions().join(", ")}`);
  const findings = await run(options);
  for (const { title, text, table } of sectionsOf(findings)) {
    console.log(
      ["", title, text, table && plain(table)].filter((part) => part !== undefined).join("\n"),
    );
  }
  console.log(`\nSink: ${sunk()}.`);
  if (options.write) writePages(findings, process.argv.slice(2));
  if (!options.check) return;
  for (const verdict of findings.verdicts) console.log(lineOf(verdict));
  if (findings.verdicts.some(({ met }) => !met)) process.exitCode = 1;
}

process.on("SIGINT", () => {
  progress("interrupted");
  process.exit(INTERRUPTED);
});

try {
  await main();
} catch (error) {
  progress((error as Error).message);
  process.exitCode = 1;
}
