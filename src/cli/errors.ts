/** Exit codes of the command. 130 is what shells expect after Ctrl-C. */
export const exitCodes = { ok: 0, badInput: 1, wrongUsage: 2, interrupted: 130 } as const;

/** A command line that asks for something impossible. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
