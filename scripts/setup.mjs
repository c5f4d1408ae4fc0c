// Makes a fresh clone ready to run: dependencies, then dist/. Does nothing when both are current.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { changedAt, isBuilt, root } from "./stamp.mjs";

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function run(what, command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    ...options,
  });
  if (error) fail(`${what} could not start: ${error.message}`);
  if (signal) fail(`${what} was ended by ${signal}`);
  if (status !== 0) fail(`${what} failed with exit code ${status}`);
}

function install() {
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // Inside `npm run` npm names its own script; starting that with Node needs no shell and no
  // search of the PATH. Otherwise Windows only finds npm (a .cmd file) through a shell.
  const script = process.env.npm_execpath;
  if (script && /npm-cli\.c?js$/.test(script)) {
    run("npm ci", process.execPath, [script, ...args]);
  } else {
    run("npm ci", "npm", args, { shell: process.platform === "win32" });
  }
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`expected Node 20.19 or newer, got ${process.versions.node}`);
}
// npm writes this file at the end of each install, so its time says what is installed.
const installed = changedAt(join(root, "node_modules", ".package-lock.json"));
if (installed === 0 || installed < changedAt(join(root, "package-lock.json"))) install();
if (!isBuilt()) run("the build", process.execPath, [join(root, "scripts", "build.mjs")]);
