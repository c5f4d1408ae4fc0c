// The figures as text: tables for the terminal, docs/benchmarks.md, and the short one in README.md.
import type { Verdict } from "./check.ts";
import type { Crossover } from "./crossover.ts";
import { between, bytes, factor, time } from "./figure.ts";
import type { Comparison } from "./harness.ts";
import { ratioOf, spreadOf } from "./measure.ts";
import type { Tail } from "./tail.ts";
import type { MeasuredRow } from "./workloads.ts";

export interface Table {
  header: string[];
  /** Columns from here on hold figures. */
  figuresFrom: number;
  lines: string[][];
}

export function tableOfRows(rows: readonly MeasuredRow[]): Table {
  return {
    header: ["Row", "Contender", "Median", "Rounds", "p99", "Bytes", "Ratio", "Rounds"],
    figuresFrom: 2,
    lines: rows.flatMap(({ row, measured, allocations }) =>
      measured.map((entry, at) => {
        const medians = spreadOf(entry.medians);
        const ratio = ratioOf(measured[0], entry);
        return [
          at === 0 ? `${row.id}: ${row.title}` : "",
          entry.name,
          time(medians.median),
          between(medians, time),
          time(spreadOf(entry.p99s).median),
          bytes(allocations[at]),
          at === 0 ? "1" : factor(ratio.median),
          at === 0 ? "" : between(ratio, factor),
        ];
      }),
    ),
  };
}

export function tableOfTails(tails: readonly Tail[]): Table {
  return {
    header: ["GC: 500 flags", "Calls", "Bytes", "Median", "p99.9", "p99.9 / median", "Longest"],
    figuresFrom: 1,
    lines: tails.map(({ name, calls, allocation, median, p999, longest }) => [
      name,
      calls.toLocaleString("en-US"),
      bytes(allocation),
      time(median),
      time(p999),
      factor(p999 / median),
      time(longest),
    ]),
  };
}

export function tableOfComparisons(comparisons: readonly (Comparison & { id: string })[]): Table {
  const verdict = (agrees: boolean) => (agrees ? "yes" : "no");
  return {
    header: [
      "Row",
      "Contender",
      "tinybench",
      "Benchmark.js",
      "within 15 %",
      "Ratio, tinybench",
      "Ratio, Benchmark.js",
      "within 15 % ",
    ],
    figuresFrom: 2,
    lines: comparisons.map(({ id, name, medians, ratios, mediansAgree, ratiosAgree }) => [
      id,
      name,
      ...medians.map(time),
      verdict(mediansAgree),
      ...ratios.map(factor),
      verdict(ratiosAgree),
    ]),
  };
}

export function tableOfCrossover({ axis, steps, times }: Crossover): Table {
  const lanes = Object.keys(times) as (keyof typeof times)[];
  return {
    header: [axis, ...lanes],
    figuresFrom: 0,
    lines: steps.map((step, at) => [
      step.toLocaleString("en-US"),
      ...lanes.map((lane) => time(times[lane][at])),
    ]),
  };
}

export function tableOfVerdicts(verdicts: readonly Verdict[]): Table {
  return {
    header: ["Row", "Compared", "Must be", "Is", "Met"],
    figuresFrom: 2,
    lines: verdicts.map(({ row, what, expected, got, met }) => [
      row,
      what,
      expected,
      got,
      met ? "yes" : "no",
    ]),
  };
}

export function plain({ header, lines }: Table): string {
  const all = [header, ...lines];
  const widths = header.map((_, column) => Math.max(...all.map((line) => line[column].length)));
  const show = (line: string[]) => line.map((cell, at) => cell.padEnd(widths[at])).join("  ");
  return all.map((line) => show(line).trimEnd()).join("\n");
}

export function markdown({ header, figuresFrom, lines }: Table): string {
  const rule = header.map((_, at) => (at < figuresFrom ? "---" : "---:"));
  return [header, rule, ...lines].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** Only what something is demanded of, and what that is compared with. */
export function shortTable(rows: readonly MeasuredRow[]): Table {
  return {
    header: ["Row", "Contender", "Median", "Ratio"],
    figuresFrom: 2,
    lines: rows.flatMap(({ row, measured }) => {
      if (row.goals.length === 0) return [];
      const [baseline] = measured;
      const asked = new Set(row.goals.flatMap(({ contender, over }) => [contender, over]));
      const shown = measured.filter((entry) => entry === baseline || asked.has(entry.name));
      return shown.map((entry) => [
        entry === baseline ? `${row.id}: ${row.title}` : "",
        entry.name,
        time(spreadOf(entry.medians).median),
        entry === baseline ? "1" : factor(ratioOf(baseline, entry).median),
      ]);
    }),
  };
}
