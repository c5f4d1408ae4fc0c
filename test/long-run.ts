// What the scripts that run for as long as they are told have in common.

/** How long to run, and by which chances. */
export interface Length {
  minutes: number;
  seed: number;
}

/**
 * Of the texts given as options; without a seed any.
 *
 * @throws Error that names what is wrong
 */
export function lengthOf(given: Partial<Record<keyof Length, string>>, minutes: number): Length {
  const length = {
    seed: Number(given.seed ?? Date.now() % 1_000_000_000),
    minutes: Number(given.minutes ?? minutes),
  };
  if (!Number.isSafeInteger(length.seed)) {
    throw new Error(`--seed: expected a whole number, got ${given.seed}`);
  }
  if (!(length.minutes >= 0)) {
    throw new Error(`--minutes: expected a number, got ${given.minutes}`);
  }
  return length;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
