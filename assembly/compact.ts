// The ABI of the compact core: flags one by one, in memory of one thread, without cohorts. It is
// compiled with COMPACT = 1 (asconfig.compact.json), all others with 0.

export { run, runFlag } from "./evaluate";
export { openSession, sessionSize } from "./session";
