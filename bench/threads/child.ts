// A measured process of its own: it answers once, and ends with the benchmark at the latest.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What a child is asked: a file of this folder, and what its `inChild` is given. */
export interface Assignment<Spec> {
  /** `import.meta.url` of the file. */
  file: string;
  spec: Spec;
  /** Of the old generation. Default: Node's own limit. */
  heapMegabytes?: number;
}

export type Reply<Result> = { result: Result } | { error: string };

const ENTRY = fileURLToPath(new URL("./entry.js", import.meta.url));

const children = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export function askChild<Spec, Result>(assignment: Assignment<Spec>): Promise<Result> {
  const { heapMegabytes } = assignment;
  const execArgv = ["--expose-gc"];
  if (heapMegabytes) execArgv.push(`--max-old-space-size=${heapMegabytes}`);
  const child = fork(ENTRY, {
    execArgv,
    serialization: "advanced",
    // The figures alone go to standard output.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  children.add(child);
  return new Promise<Result>((done, fail) => {
    let reply: Reply<Result> | undefined;
    child.once("message", (message) => {
      reply = message as Reply<Result>;
    });
    child.once("error", fail);
    child.once("exit", (code, signal) => {
      children.delete(child);
      if (reply && "result" in reply) done(reply.result);
      else fail(new Error(reply?.error ?? `a child process ended by ${signal ?? `exit ${code}`}`));
    });
    child.send(assignment);
  });
}
