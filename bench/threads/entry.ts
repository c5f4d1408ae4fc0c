// Where a child process begins: does what it is sent, answers, ends.
import type { Assignment, Reply } from "./child.ts";

// Ctrl-C reaches all processes of a terminal; the benchmark itself ends this one.
process.on("SIGINT", () => {});
process.once("disconnect", () => process.exit());

async function replyTo({ file, spec }: Assignment<unknown>): Promise<Reply<unknown>> {
  try {
    const { inChild } = await import(file);
    return { result: await inChild(spec) };
  } catch (error) {
    return { error: (error as Error).stack ?? String(error) };
  }
}

process.once("message", async (assignment) => {
  const reply = await replyTo(assignment as Assignment<unknown>);
  // What it holds may keep it alive: threads, waiters of shared memory.
  process.send!(reply, () => process.exit());
});
