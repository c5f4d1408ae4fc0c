import { MILLIS_MAX } from "../sdk/millis.ts";

/** Calls back with a `TimeoutError`, unless it is ended before; 0 = never. Answers what ends it. */
export function startLimit(millis: number, expire: (error: DOMException) => void): () => void {
  if (!(millis > 0)) return () => {};
  const say = () =>
    expire(new DOMException(`expected an answer within ${millis} ms`, "TimeoutError"));
  const timer = setTimeout(say, Math.min(millis, MILLIS_MAX));
  return () => clearTimeout(timer);
}

/**
 * Waits for a promise, but not for ever; 0 = without a limit.
 *
 * @throws a `TimeoutError` if it takes longer
 */
export async function within<Result>(promise: Promise<Result>, millis: number): Promise<Result> {
  let end = () => {};
  const late = new Promise<never>((_, fail) => {
    end = startLimit(millis, fail);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    end();
  }
}
