// npm run bench [-- --quick] [-- --write]: Halyard and Amplitude's engine in one process.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { Engine, type EvaluationContext, type EvaluationFlag } from "halyard/engine";
import { describeWorkload, type Fixture, makeFixture, type Workload } from "./fixture.ts";
import { type Budget, type Contender, type Measured, measure, sink } from "./measure.ts";

type Result = Record<string, { key?: string } | undefined>;

interface Core {
  EvaluationEngine: new () => {
    evaluate(context: EvaluationContext, flags: EvaluationFlag[]): Result;
  };
  topologicalSort(flags: Record<string, EvaluationFlag>): EvaluationFlag[];
}

interface Row {
  id: string;
  title: string;
  contenders: Contender[];
}

interface MeasuredRow extends Row {
  measured: Measured[];
}

interface Loaded {
  engine: Engine;
  keys: string[];
  sorted: EvaluationFlag[];
}

const FULL: Budget = { rounds: 15, time: 80, warmup: 30 };
const QUICK: Budget = { rounds: 3, time: 20, warmup: 10 };
const MARKS = ["<!-- bench -->", "<!-- /bench -->"] as const;

const load = createRequire(import.meta.url);
const core = load("@amplitude/experiment-core") as Core;
const oracle = new core.EvaluationEngine();

function versionOf(name: string): string {
  return JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version;
}

function prepare({ flags }: Workload): Loaded {
  const sorted = core.topologicalSort(Object.fromEntries(flags.map((flag) => [flag.key, flag])));
  return { engine: Engine.loadSync(flags), keys: flags.map((flag) => flag.key), sorted };
}

/** The first user and way to ask on which Halyard and the oracle differ, if any. */
function disagreement(loaded: Loaded, contexts: EvaluationContext[]): string | undefined {
  const { engine, keys, sorted } = loaded;
  const image = Engine.loadSync(engine.toImage());
  for (const [user, context] of contexts.entries()) {
    const expected = oracle.evaluate(context, sorted);
    const record = engine.evaluate(context);
    const view = engine.evaluateAll(context);
    const ways: [string, unknown][] = [
      ["evaluate", record],
      ["evaluateAll", view.toObject()],
      ["evaluate from an image", image.evaluate(context)],
    ];
    for (const [way, actual] of ways) {
      if (!isDeepStrictEqual(actual, expected)) return `${way}, user ${user}`;
    }
    for (const key of keys) {
      for (const variant of [engine.variant(context, key), view.get(key)]) {
        // Mostly the frozen object that was just found equal: no costly comparison then.
        if (variant !== record[key] && !isDeepStrictEqual(variant, expected[key])) {
          return `${key} alone, user ${user}`;
        }
      }
    }
  }
  return undefined;
}

/** Adds up what was answered; the length of a key differs between "on" and "off". */
function weigh(variant: { key?: string } | undefined): number {
  return variant?.key?.length ?? 0;
}

function oneRow(id: string, title: string, loaded: Loaded, contexts: EvaluationContext[]): Row {
  const { engine, keys, sorted } = loaded;
  const asked = keys.map((key) => sorted.filter((flag) => flag.key === key));
  const [users, flags] = [contexts.length, keys.length];
  return {
    id,
    title,
    contenders: [
      {
        name: "oracle evaluate",
        call(index) {
          const flag = index % flags;
          return weigh(oracle.evaluate(contexts[index % users], asked[flag])[keys[flag]]);
        },
      },
      {
        name: "Halyard variant",
        call: (index) => weigh(engine.variant(contexts[index % users], keys[index % flags])),
      },
    ],
  };
}

function allRow(id: string, title: string, loaded: Loaded, contexts: EvaluationContext[]): Row {
  const { engine, keys, sorted } = loaded;
  const users = contexts.length;
  const last = keys[keys.length - 1];
  return {
    id,
    title,
    contenders: [
      {
        name: "oracle evaluate",
        call: (index) => weigh(oracle.evaluate(contexts[index % users], sorted)[last]),
      },
      {
        name: "Halyard evaluateAll, all read",
        call(index) {
          const variants = engine.evaluateAll(contexts[index % users]);
          let sum = 0;
          for (const key of keys) sum += weigh(variants.get(key));
          return sum;
        },
      },
      {
        name: "Halyard evaluate",
        call: (index) => weigh(engine.evaluate(contexts[index % users])[last]),
      },
    ],
  };
}

function loadRow({ text }: Workload): Row {
  const image = Engine.loadSync(JSON.parse(text) as EvaluationFlag[]).toImage();
  return {
    id: "load",
    title: "500 flags made ready",
    contenders: [
      { name: "JSON.parse alone", call: () => (JSON.parse(text) as EvaluationFlag[]).length },
      {
        name: "Halyard from JSON text",
        call: () => Engine.loadSync(JSON.parse(text) as EvaluationFlag[]).memoryBytes,
      },
      { name: "Halyard from an image", call: () => Engine.loadSync(image).memoryBytes },
    ],
  };
}

function rowsOf(one: Loaded, twenty: Loaded, many: Loaded, fixture: Fixture): Row[] {
  const { contexts } = fixture;
  return [
    oneRow("W1", "1 flag loaded, it is asked", one, contexts),
    oneRow("W1b", "500 flags loaded, one asked", many, contexts),
    allRow("W2", "20 flags, all", twenty, contexts),
    allRow("W3", "500 flags, all", many, contexts),
    loadRow(fixture.many),
  ];
}

function time(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}

function factor(ratio: number): string {
  return ratio.toFixed(2);
}

const HEADER = ["row", "contender", "median", "p99", "rounds' medians", "ratio", "rounds' ratios"];

function cellsOf({ id, measured }: MeasuredRow): string[][] {
  return measured.map((entry, index) => [
    id,
    entry.name,
    time(entry.median),
    time(entry.p99),
    entry.spread.map(time).join(" to "),
    index === 0 ? "1" : factor(entry.ratio),
    index === 0 ? "" : entry.ratioSpread.map(factor).join(" to "),
  ]);
}

function textTable(rows: MeasuredRow[]): string {
  const cells = [HEADER, ...rows.flatMap(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd();
  return cells.map(line).join("\n");
}

function markdown(rows: MeasuredRow[], versions: string): string {
  const lines = ["| Row | Contender | Median | p99 | Ratio |", "|---|---|---:|---:|---:|"];
  for (const row of rows) {
    for (const [index, cells] of cellsOf(row).entries()) {
      const [, name, middle, p99, , ratio, spread] = cells;
      const title = index === 0 ? `${row.id}: ${row.title}` : "";
      const shown = spread === "" ? ratio : `${ratio} (${spread})`;
      lines.push(`| ${title} | ${name} | ${middle} | ${p99} | ${shown} |`);
    }
  }
  const command = `\`\`\`sh\nnpm run bench -- ${process.argv.slice(2).join(" ")}\n\`\`\``;
  return `${lines.join("\n")}\n\n${versions}\n\n${command}`;
}

function writeReadme(text: string): void {
  const readme = readFileSync("README.md", "utf8");
  const [start, end] = MARKS.map((mark) => readme.indexOf(mark));
  if (start < 0 || end < start) throw new Error(`README.md has no ${MARKS.join(" ... ")}`);
  const head = readme.slice(0, start + MARKS[0].length);
  writeFileSync("README.md", `${head}\n\n${text}\n\n${readme.slice(end)}`);
}

function versionsLine(): string {
  const names = ["@amplitude/experiment-core", "tinybench"];
  const packages = names.map((name) => `${name} ${versionOf(name)}`).join(", ");
  const halyard = JSON.parse(readFileSync("package.json", "utf8")).version;
  const cpu = cpus()[0]?.model.trim() ?? "unknown CPU";
  const machine = `Node ${process.versions.node}, ${cpu}, ${process.platform} ${process.arch}`;
  return `halyard ${halyard}, ${packages}, ${machine}`;
}

function main(args: string[]): void {
  const unknown = args.find((arg) => arg !== "--quick" && arg !== "--write");
  if (unknown) throw new Error(`unknown option ${unknown}; there are --quick and --write`);
  const budget = args.includes("--quick") ? QUICK : FULL;
  const fixture = makeFixture();
  const { one, twenty, many, contexts } = fixture;
  console.log(versionsLine());
  for (const workload of [one, twenty, many]) console.log(describeWorkload(workload));
  const loaded = [one, twenty, many].map(prepare) as [Loaded, Loaded, Loaded];
  for (const entry of loaded) {
    const difference = disagreement(entry, contexts);
    if (difference) throw new Error(`Halyard and the oracle differ: ${difference}`);
  }
  console.log(`Halyard and the oracle agree on all ${contexts.length} users.\n`);
  const rows = rowsOf(...loaded, fixture).map((row) => ({
    ...row,
    measured: measure(row.contenders, budget),
  }));
  console.log(textTable(rows));
  console.log("\nRatio: time of the row's first contender by this one's, median over the rounds.");
  console.log(`p99: of samples of at least 0.02 ms, each the mean of its calls. Sink: ${sink}.\n`);
  for (const { id, measured } of rows) {
    const ratios = measured.slice(1).map(({ name, ratio }) => `${name} ${factor(ratio)}`);
    console.log(`ratio ${id}: ${ratios.join(", ")}`);
  }
  if (args.includes("--write")) writeReadme(markdown(rows, versionsLine()));
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
