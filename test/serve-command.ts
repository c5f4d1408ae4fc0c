// `halyard serve` as a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach } from "vitest";

const main = fileURLToPath(new URL("../dist/src/cli/main.js", import.meta.url));
/** Where commands run; files of tests are put there. */
export const home = mkdtempSync(join(tmpdir(), "halyard-serve-"));
const running: ServeCommand[] = [];

afterEach(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(home, { recursive: true }));

/** A command that runs, and what it has said. */
export class ServeCommand {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #told: (() => void)[] = [];

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const options = { cwd: home, env: { PATH: process.env.PATH, ...env } };
    this.child = spawn(process.execPath, [main, "serve", ...args], options);
    for (const name of ["stdout", "stderr"] as const) {
      this.child[name]?.on("data", (chunk: Buffer) => {
        this[name] += chunk;
        for (const tell of this.#told.splice(0)) tell();
      });
    }
    running.push(this);
  }

  async exit(): Promise<number | string> {
    const [code, signal] = await once(this.child, "close");
    return code ?? signal;
  }

  /** Resolves when it has said something. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (found) return found;
      const ended = once(this.child, "close").then(() => {
        throw new Error(`it has ended: ${this.stdout}${this.stderr}`);
      });
      await Promise.race([ended, new Promise<void>((resolve) => this.#told.push(resolve))]);
    }
  }

  async url(): Promise<string> {
    const [, url] = await this.until(/variants +(\S+)\/sdk\/v2\/vardata/);
    await this.until(/Try:\n.+\n/);
    return url;
  }
}
