// What --write writes: docs/benchmarks.md with its charts, and the short table in README.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { barChart, lineChart } from "./chart.ts";
import { type Crossover, SERIES } from "./crossover.ts";
import { type Findings, METHOD, sectionsOf } from "./findings.ts";
import { HALYARDS } from "./lanes.ts";
import { machine, root, versions } from "./machine.ts";
import { ratioOf } from "./measure.ts";
import { markdown, shortTable } from "./report.ts";
import { weaknesses } from "./weakness.ts";
import type { MeasuredRow } from "./workloads.ts";

const MARKS = ["<!-- bench -->", "<!-- /bench -->"] as const;

/** The best of each lane's ways to ask. */
function ratioChart(rows: readonly MeasuredRow[]): string {
  const lanes = ["client", ...HALYARDS.map(([lane]) => lane)];
  const bars = rows.map(({ row, measured }) => ({
    label: `${row.id}: ${row.title}`,
    values: lanes.map((lane) => {
      const own = measured.filter(({ name }) => name.startsWith(`${lane} `));
      const ratios = own.map((entry) => ratioOf(measured[0], entry).median);
      return ratios.length > 0 ? Math.max(...ratios) : undefined;
    }),
  }));
  return barChart(
    "Times as fast as the row's first contender, by each lane's best way to ask",
    lanes,
    bars.filter(({ values }) => values.some((value) => value !== undefined)),
  );
}

function crossoverChart(crossovers: readonly Crossover[]): string {
  const panels = crossovers.map(({ title, axis, steps, times }) => ({
    title,
    axis,
    steps,
    lines: SERIES.map((lane) => times[lane]),
  }));
  return lineChart("Time per call", SERIES, panels);
}

function commandOf(args: readonly string[]): string {
  return `\`\`\`sh\nnpm run bench -- ${args.join(" ")}\n\`\`\``;
}

function page(findings: Findings, args: readonly string[]): string {
  const weak = weaknesses(findings);
  const sections = sectionsOf(findings).map(({ title, text, table }) =>
    [`## ${title}`, text, table && markdown(table)].filter(Boolean).join("\n\n"),
  );
  return [
    "# Benchmarks",
    "Written by the benchmark itself from the figures of one run; not edited by hand.",
    "## Where Halyard or WebAssembly does not win",
    weak.length > 0 ? weak.map((line) => `- ${line}`).join("\n") : "Nowhere in this run.",
    "## This run",
    `${commandOf(args)}\n\n${machine()}\n\n${versions().join(", ")}`,
    METHOD,
    "![Ratios by row](benchmarks.svg)",
    findings.crossovers.length > 0 && "![Time by size](benchmarks-crossover.svg)",
    ...sections,
  ]
    .filter(Boolean)
    .join("\n\n")
    .concat("\n");
}

function writeReadme(rows: readonly MeasuredRow[], args: readonly string[]): void {
  const path = join(root, "README.md");
  const readme = readFileSync(path, "utf8");
  const [start, end] = MARKS.map((mark) => readme.indexOf(mark));
  if (start < 0 || end < start) throw new Error(`README.md has no ${MARKS.join(" ... ")}`);
  const head = readme.slice(0, start + MARKS[0].length);
  const source = `${versions()[0]}, ${machine()}`;
  const text = `${markdown(shortTable(rows))}\n\n${source}\n\n${commandOf(args)}`;
  writeFileSync(path, `${head}\n\n${text}\n\n${readme.slice(end)}`);
}

export function writePages(findings: Findings, args: readonly string[]): void {
  const { rows, crossovers } = findings;
  const docs = (name: string) => join(root, "docs", name);
  writeReadme(rows, args);
  writeFileSync(docs("benchmarks.md"), page(findings, args));
  writeFileSync(docs("benchmarks.svg"), ratioChart(rows));
  if (crossovers.length > 0) {
    writeFileSync(docs("benchmarks-crossover.svg"), crossoverChart(crossovers));
  }
}
