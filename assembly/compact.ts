// The ABI of the compact core: flags one by one, in memory of one thread, without cohorts. It is
// compiled with COMPACT = 1, all others with 0 (asconfig.json).

export { run, runFlag } from "./evaluate";
export { openSession, sessionSize } from "./session";
