// npm run soak -- [--minutes N] [--seed N]: a client evaluates while flags, stream, cohorts and the
// sink of events change and fail, until time is up or Ctrl-C. Fails if it holds on to ever more.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Length, lengthOf, mebibytes } from "../long-run.ts";
import type { Sample } from "./meter.ts";
import { SoakRun } from "./run.ts";

const USAGE = "usage: npm run soak -- [--minutes N] [--seed N]";
/** A process that has not ended by itself after so long never will. */
const END_MILLIS = 15_000;

function readSettings(): Length | string {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ options: { minutes: text, seed: text } });
    return lengthOf(values, 2);
  } catch (error) {
    return (error as Error).message;
  }
}

function held({ heap, handles, core }: Sample): string {
  return `heap ${mebibytes(heap)}, ${handles} handles, core ${mebibytes(core)}`;
}

function brief({ evaluations, updates, meter }: SoakRun): string {
  return `${evaluations} evaluations, ${updates} updates, ${meter ? held(meter.last) : ""}`;
}

function full(run: SoakRun): string {
  const { evaluations, updates, errors, version, counts, meter, droppedEvents } = run;
  const { polls, unchanged, streams, streamed, dropped } = counts;
  const { cohorts, cohortFailures, uploads, uploadFailures, events } = counts;
  const samples = meter
    ? [
        `at first     ${held(meter.first)}`,
        `warm-up      at most ${held(meter.warm)}`,
        `then         at most ${held(meter.most)}`,
      ]
    : [];
  return [
    `evaluations  ${evaluations}`,
    `flags        ${version} versions, ${updates} updates seen, ${errors} errors`,
    `polls        ${polls}, ${unchanged} of them unchanged`,
    `streams      ${streams}, ${dropped} dropped, ${streamed} events`,
    `cohorts      ${cohorts} asked for, ${cohortFailures} failed`,
    `tracking     ${events} events in ${uploads} uploads, ${uploadFailures} failed; ` +
      `${droppedEvents} events lost`,
    ...samples,
    "",
  ].join("\n");
}

async function main(): Promise<number> {
  const settings = readSettings();
  if (typeof settings === "string") {
    process.stderr.write(`${settings}\n${USAGE}\n`);
    return 2;
  }
  const { seed, minutes } = settings;
  let isStopped = false;
  const stop = () => {
    isStopped = true;
  };
  process.once("SIGINT", stop);
  const start = performance.now();
  const share = () => (isStopped ? 1 : (performance.now() - start) / (minutes * 60_000));
  const { isTTY } = process.stderr;
  let printed = start;
  const onProgress = (run: SoakRun) => {
    const now = performance.now();
    if (now - printed < (isTTY ? 500 : 10_000)) return;
    printed = now;
    const text = `${Math.round((now - start) / 1_000)} s, seed ${seed}: ${brief(run)}`;
    process.stderr.write(isTTY ? `\r${text}\u001b[K` : `${text}\n`);
  };
  const folder = mkdtempSync(join(tmpdir(), "halyard-soak-"));
  const run = new SoakRun({ seed, snapshotPath: join(folder, "snapshot"), share, onProgress });
  try {
    await run.run();
  } catch (error) {
    process.stdout.write(`\nfailed with seed ${seed}: ${(error as Error).message}\n${full(run)}`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    process.off("SIGINT", stop);
  }
  process.stderr.write(isTTY ? "\n" : "");
  process.stdout.write(`${isStopped ? "stopped, " : ""}seed ${seed}\n${full(run)}`);
  return 0;
}

process.exitCode = await main();
setTimeout(() => {
  const left = process.getActiveResourcesInfo().join(", ");
  process.stdout.write(`failed: the process does not end by itself: ${left}\n`);
  process.exit(1);
}, END_MILLIS).unref();
