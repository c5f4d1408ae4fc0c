// How an answer differs from the one expected.

type Answers = Record<string, unknown>;

export type Difference = {
  api: string;
  flagKeys?: string[];
  expected: unknown;
  actual: unknown;
};
/** As deepStrictEqual for JSON data, and the keys must stand in the same order. */
export function sameInOrder(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = Object.keys(a);
  const others = Object.keys(b);
  if (keys.length !== others.length) return false;
  return keys.every(
    (key, index) => key === others[index] && sameInOrder((a as Answers)[key], (b as Answers)[key]),
  );
}

export class Thrown {
  readonly message: string;
  constructor(error: unknown) {
    this.message = String(error);
  }
}

export function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return new Thrown(error);
  }
}

/** Undefined if the action answers as expected. */
export function differ(
  api: string,
  expected: unknown,
  action: () => unknown,
): Difference | undefined {
  const actual = attempt(action);
  return sameInOrder(expected, actual) ? undefined : { api, expected, actual };
}
