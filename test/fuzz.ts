// npm run fuzz -- --minutes N [--seed N]: compares random configs until time is up, Ctrl-C or a
// difference. With --seed alone it replays that one config.
import { writeFileSync } from "node:fs";
import { setImmediate as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { compareOnce, describeFailure, type Failure, shrinkFailure } from "./differential.ts";
import { type Length, lengthOf } from "./long-run.ts";
import { show } from "./shrink.ts";

const PROGRESS_EVERY_MS = 1_000;
const USAGE = "usage: npm run fuzz -- [--minutes N] [--seed N]";

function readSettings(): Length | string {
  try {
    const options = { minutes: { type: "string" }, seed: { type: "string" } } as const;
    const { values } = parseArgs({ options });
    // A seed alone is a replay: exactly one config.
    return lengthOf(values, values.seed === undefined ? 1 : 0);
  } catch (error) {
    return (error as Error).message;
  }
}

function report(failure: Failure): void {
  process.stderr.write("\ndifference found, shrinking\n");
  const small = shrinkFailure(failure);
  process.stdout.write(`${describeFailure(small)}\n`);
  const { flags, context } = small.case;
  const file = `fuzz-failure-${small.seed}.json`;
  // JSON cannot hold NaN, undefined or functions, so the context is written as shown, too.
  const values = { expected: show(small.expected), actual: show(small.actual) };
  const { seed, api, flagKeys } = small;
  const record = { seed, api, flagKeys, flags, context, contextShown: show(context), ...values };
  const text = JSON.stringify(
    record,
    (_, value) => (typeof value === "bigint" ? `${value}n` : value),
    2,
  );
  writeFileSync(file, `${text}\n`);
  process.stderr.write(`written to ${file}\n`);
}

async function main(): Promise<number> {
  const settings = readSettings();
  if (typeof settings === "string") {
    process.stderr.write(`${settings}\n${USAGE}\n`);
    return 2;
  }
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
  });
  const start = performance.now();
  const end = start + settings.minutes * 60_000;
  let [configs, users, skipped, printed] = [0, 0, 0, start];
  for (let seed = settings.seed; ; seed++) {
    const outcome = compareOnce(seed);
    if (outcome.failure) {
      report(outcome.failure);
      return 1;
    }
    configs++;
    users += outcome.evaluations;
    skipped += outcome.skipped;
    const now = performance.now();
    if (now - printed >= PROGRESS_EVERY_MS) {
      printed = now;
      const seconds = Math.round((now - start) / 1_000);
      process.stderr.write(`\r${seconds} s, seed ${seed}: ${configs} configs, ${users} users`);
    }
    // Signals are only delivered between turns of the event loop.
    await pause();
    if (stopped || performance.now() >= end) break;
  }
  const counts = `${configs} configs, ${users} users compared, ${skipped} skipped, 0 differences`;
  process.stderr.write(`\n${stopped ? "stopped: " : ""}${counts}\n`);
  return 0;
}

process.exitCode = await main();
