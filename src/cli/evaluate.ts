import { SingleBar } from "cli-progress";
import type { Engine } from "../engine/index.ts";
import { printable } from "../sdk/printable.ts";
import { exitCodes, UsageError } from "./errors.ts";
import { readFlags } from "./flags.ts";
import { Output } from "./output.ts";
import { explanationReport, jsonReport, type Report, tableReport } from "./report.ts";
import { nearest } from "./suggestion.ts";
import { openUsers, type UserSource } from "./users.ts";

/** What `halyard evaluate` was asked to do. */
export interface EvaluateOptions {
  flags: string;
  user: string;
  flag?: string[];
  explain?: boolean;
  json?: boolean;
}

// Below this many users the work is over before a bar could be read.
const manyUsers = 1000;
const batchSize = 1 << 14;
const heldRows = 2000;

function askedKeys(engine: Engine, asked: string[] | undefined, file: string): readonly string[] {
  if (asked === undefined) return engine.flagKeys;
  const known = new Set(engine.flagKeys);
  for (const key of asked) {
    if (known.has(key)) continue;
    const near = nearest(key, engine.flagKeys);
    const hint = near === undefined ? "" : `; did you mean "${near}"?`;
    throw new UsageError(`${file}: no flag "${key}"${hint}`);
  }
  return [...new Set(asked)];
}

function warn(engine: Engine, file: string): void {
  for (const { code, path, message } of engine.warnings) {
    // Here users bring the ids of their cohorts along.
    if (code === "unknown-cohort") continue;
    const line = [`halyard: warning: ${file}`, path, message].filter((part) => part !== "");
    process.stderr.write(`${printable(line.join(": "))}\n`);
  }
}

function makeReport(engine: Engine, options: EvaluateOptions, streamed: boolean): Report {
  const keys = askedKeys(engine, options.flag, options.flags);
  const all = options.flag === undefined;
  if (options.json) return jsonReport(engine, keys, all, options.explain ?? false);
  if (options.explain) return explanationReport(engine, keys);
  return tableReport(engine, keys, all, streamed ? 0 : heldRows);
}

/** A bar on stderr, for long files, unless it would be drawn among the answers. */
function makeBar(source: UserSource): SingleBar | undefined {
  const visible = process.stderr.isTTY && !process.stdout.isTTY && source.kind === "file";
  if (!visible) return undefined;
  return new SingleBar({
    format: "{bar} {percentage} % | {users} users",
    stream: process.stderr,
    barsize: 30,
    clearOnComplete: true,
  });
}

/** Runs `halyard evaluate`. Answers given before an error are printed before it is thrown. */
export async function evaluateCommand(options: EvaluateOptions): Promise<void> {
  const engine = await readFlags(options.flags);
  warn(engine, options.flags);
  const source = await openUsers(options.user);
  const streamed = source.kind === "stream";
  const report = makeReport(engine, options, streamed);
  const output = new Output(streamed ? 0 : batchSize);
  const bar = makeBar(source);
  process.once("SIGINT", () => {
    bar?.stop();
    output.flushNow();
    process.exit(exitCodes.interrupted);
  });
  let position = 0;
  try {
    for await (const { user, done } of source.users) {
      await output.write(report.add(user, ++position));
      if (position % manyUsers !== 0) continue;
      if (position === manyUsers) bar?.start(source.total ?? 0, done, { users: position });
      else bar?.update(done, { users: position });
      // A file is read in large pieces; this lets Ctrl-C in between them.
      await new Promise((resume) => setImmediate(resume));
    }
  } finally {
    bar?.stop();
    if (position > 0) await output.write(report.end());
    await output.flush();
  }
}
