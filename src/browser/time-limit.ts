import { MILLIS_MAX } from "../sdk/millis.ts";

/**
 * Waits for a promise, but not for ever; 0 = without a limit.
 *
 * @throws a `TimeoutError` if it takes longer
 */
export async function within<Result>(promise: Promise<Result>, millis: number): Promise<Result> {
  if (!(millis > 0)) return promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, fail) => {
    const expire = () => fail(new DOMException(`expected it within ${millis} ms`, "TimeoutError"));
    timer = setTimeout(expire, Math.min(millis, MILLIS_MAX));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
