// Lint, types, tests. The last line printed is always `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isBuilt, root } from "./stamp.mjs";

function node(...args) {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (error) process.stderr.write(`test: ${error.message}\n`);
  return status === 0;
}

/** Counts from vitest's JSON report; a report that is missing or unclear is a failure. */
function counts(path, clean) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 1 };
  }
  // A test file that cannot even be loaded has no tests of its own to count.
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((t) => t.status === "failed"),
  ).length;
  const failed = report.numFailedTests + broken;
  return { passed: report.numPassedTests, failed: failed === 0 && !clean ? 1 : failed };
}

const folder = mkdtempSync(join(tmpdir(), "halyard-test-"));
const report = join(folder, "report.json");
let failedChecks = 0;
if (!node("node_modules/@biomejs/biome/bin/biome", "check", ".")) failedChecks++;
// A current build has already been through the type checker.
if (!isBuilt() && !node("node_modules/typescript/bin/tsc", "--noEmit")) failedChecks++;
const clean = node(
  "node_modules/vitest/vitest.mjs",
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
);
const { passed, failed } = counts(report, clean);
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed + failedChecks > 0 ? 1 : 0;
process.stdout.write(`${passed} passed, ${failed + failedChecks} failed\n`);
