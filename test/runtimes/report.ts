// The table of what was found, and the page that has it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./folder.ts";
import type { Row } from "./lane.ts";

const HEAD = ["runtime", "version", "backend", "cases", "cold start", "shared memory", "size"];

function cellsOf({ lane, skipped, faults, conformance, version, size, startMs }: Row): string[] {
  if (skipped !== undefined) return [lane.name, `skipped: ${skipped}`, "", "", "", "", ""];
  if (!conformance) return [lane.name, `failed: ${faults[0]}`, "", "", "", "", ""];
  const { backend, shared, passed, wrong } = conformance;
  return [
    lane.name,
    version ?? "",
    backend,
    `${passed} of ${passed + wrong.length}`,
    `${startMs!.toFixed(1)} ms`,
    shared ? "yes" : "no",
    size === undefined ? "" : `${(size / 1024).toFixed(1)} KiB`,
  ];
}

export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, at) => Math.max(...lines.map((cells) => cells[at].length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => cell.padEnd(widths[at])).join("  ");
  return `${lines.map((cells) => line(cells).trimEnd()).join("\n")}\n`;
}

function markdownOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = HEAD.map((_, at) => (at > 3 && at !== 5 ? "--:" : "---"));
  return [HEAD, rule, ...rows.map(cellsOf)].map(line).join("\n");
}

const BEGIN = "<!-- npm run test:runtimes -- --write: from here -->";
const END = "<!-- to here -->";

/** Puts the table into docs/runtimes.md, whose other words are written by hand. */
export function writePage(rows: readonly Row[]): void {
  const path = join(root, "docs", "runtimes.md");
  const page = readFileSync(path, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error("docs/runtimes.md: expected the table's marks");
  const table = `${BEGIN}\n${markdownOf(rows)}\n`;
  writeFileSync(path, page.slice(0, begin) + table + page.slice(end));
}
