#!/usr/bin/env node
// The `halyard` command. Exit codes: 0 all answered, 1 flags or users that cannot be used,
// 2 a wrong command line, 130 Ctrl-C.
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { printable } from "../sdk/printable.ts";
import { exitCodes, UsageError } from "./errors.ts";
import { type EvaluateOptions, evaluateCommand } from "./evaluate.ts";
import { type ServeCommandOptions, serveOptions } from "./serve-options.ts";

const exitCodeHelp = `
Exit codes:
  0    every user was answered
  1    the flags or the users cannot be used
  2    wrong usage, such as an unknown option or flag key
  130  interrupted with Ctrl-C`;

const examples = `
Examples:
  halyard evaluate --flags flags.json --user users.json
  halyard evaluate --flags flags.json --user '{"user_id":"u1"}' --flag checkout --explain
  tail -f users.ndjson | halyard evaluate --flags flags.json --user - --json`;

const serveHelp = `
Environment:
  HALYARD_DEPLOYMENT_KEY           a server deployment whose flags are downloaded
  HALYARD_API_KEY, HALYARD_SECRET_KEY  of its project, for cohorts
  HALYARD_SERVER_ZONE              us or eu
  HALYARD_REDIS_URL                as --redis, where others do not see it

Exit codes:
  0    ended by SIGTERM
  1    flags that cannot be used, a port that is not free, a thread that has failed
  2    wrong usage, or a configuration that cannot be used
  130  ended by Ctrl-C

Examples:
  halyard serve --flags flags.json
  halyard serve --config halyard.yaml --workers 4`;

function version(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function collect(key: string, keys: readonly string[] | undefined): string[] {
  return [...(keys ?? []), key];
}

function makeProgram(): Command {
  const program = new Command("halyard")
    .description("Evaluates Amplitude Experiment flags locally.")
    .version(version())
    .addHelpText("after", exitCodeHelp)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        // Commander puts its "Did you mean" on a second line.
        const line = text
          .trim()
          .replace(/^error: /, "")
          .replaceAll("\n", " ");
        write(`halyard: ${line}\n`);
      },
    });
  program
    .command("evaluate")
    .description("print the variant of each flag for each user")
    .requiredOption("--flags <file>", "flags: a JSON list, a JSON object by key, or an image")
    .requiredOption(
      "--user <file|json|->",
      "users: a file (JSON or one user per line), JSON text, or - for one per line on stdin",
    )
    .option("--flag <key>", "only this flag; repeat for more", collect)
    .option("--explain", "say which segment decided, and why")
    .option("--json", "one JSON object per user and line")
    .addHelpText("after", `${exitCodeHelp}\n${examples}`)
    .action((options: EvaluateOptions) => evaluateCommand(options));
  const serveProgram = program
    .command("serve")
    .description("answer Amplitude's SDKs and OpenFeature's over HTTP")
    .addHelpText("after", serveHelp)
    .action(async (options: ServeCommandOptions) => {
      // Only here, as `evaluate` would begin much later with a server's libraries.
      const { serveCommand } = await import("./serve.ts");
      await serveCommand(options);
    });
  for (const option of serveOptions) serveProgram.addOption(option);
  return program;
}

function report(error: unknown): number {
  // Commander has already printed its own message by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.wrongUsage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`halyard: ${printable(message)}\n`);
  if (error instanceof UsageError) return exitCodes.wrongUsage;
  return exitCodes.badInput;
}

try {
  await makeProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
