// npm run stress -- [--minutes N] [--seed N] [--workers N]: readers in threads of their own ask
// while an owner publishes and kills them, until time is up, Ctrl-C or a wrong answer.
import { parseArgs } from "node:util";
import { type Length, lengthOf, mebibytes } from "../long-run.ts";
import { StressRun, type StressSummary } from "./run.ts";

const USAGE = "usage: npm run stress -- [--minutes N] [--seed N] [--workers N]";
const WORKERS_MAX = 64;

type Settings = Length & { workers: number };

function readSettings(): Settings | string {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ options: { minutes: text, seed: text, workers: text } });
    const length = lengthOf(values, 1);
    const workers = Number(values.workers ?? 4);
    if (!Number.isSafeInteger(workers) || workers < 1 || workers > WORKERS_MAX) {
      return `--workers: expected a number from 1 to ${WORKERS_MAX}, got ${values.workers}`;
    }
    return { ...length, workers };
  } catch (error) {
    return (error as Error).message;
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function brief({ publications, evaluations, killed, memory }: StressSummary): string {
  const counts = `${publications} publications, ${sum(evaluations)} evaluations`;
  return `${counts}, ${killed} killed, ${mebibytes(memory.end)}`;
}

function full(summary: StressSummary): string {
  const { publications, cohortVersions, evaluations, started, killed, left } = summary;
  const { memory, seats, rss, slowestAttach } = summary;
  return [
    `publications     ${publications}, of which cohorts ${cohortVersions}`,
    `evaluations      ${sum(evaluations)} (${evaluations.join(", ")})`,
    `readers          ${started} begun, ${killed} killed, ${left} left by themselves`,
    `slowest attach   ${slowestAttach.toFixed(1)} ms`,
    `memory           ${mebibytes(memory.start)} at first, at most ${mebibytes(memory.third)} ` +
      `in the first third, ${mebibytes(memory.end)} at the end`,
    `seats            ${seats.taken} ever taken, ${seats.lost} not given back`,
    `resident         ${mebibytes(rss)} of the process`,
    "",
  ].join("\n");
}

async function main(): Promise<number> {
  const settings = readSettings();
  if (typeof settings === "string") {
    process.stderr.write(`${settings}\n${USAGE}\n`);
    return 2;
  }
  const { seed, workers, minutes } = settings;
  let isStopped = false;
  process.once("SIGINT", () => {
    isStopped = true;
  });
  const start = performance.now();
  const share = () => (isStopped ? 1 : (performance.now() - start) / (minutes * 60_000));
  const { isTTY } = process.stderr;
  let printed = start;
  const onProgress = (run: StressRun) => {
    const now = performance.now();
    if (now - printed < (isTTY ? 500 : 10_000)) return;
    printed = now;
    const text = `${Math.round((now - start) / 1_000)} s, seed ${seed}: ${brief(run.summary)}`;
    process.stderr.write(isTTY ? `\r${text}\u001b[K` : `${text}\n`);
  };
  const run = new StressRun({ seed, workers, share, onProgress });
  try {
    await run.run();
  } catch (error) {
    process.stdout.write(`\nfailed with seed ${seed}: ${(error as Error).message}\n`);
    process.stdout.write(full(run.summary));
    return 1;
  }
  process.stderr.write(isTTY ? "\n" : "");
  process.stdout.write(`${isStopped ? "stopped, " : ""}seed ${seed}\n${full(run.summary)}`);
  return 0;
}

process.exitCode = await main();
