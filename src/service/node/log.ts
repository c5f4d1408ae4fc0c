import { pino } from "pino";
import type { ServiceLog } from "../log.ts";

const STDERR = 2;
/** Characters that wait until they can be written; what is more is lost. */
const WAITING_MAX = 1024 * 1024;

/** One JSON object a line, to standard error: standard output is for people. */
export function makeLog(level: string): ServiceLog {
  const destination = pino.destination({ dest: STDERR, sync: true, maxLength: WAITING_MAX });
  // A log that cannot be written, as on a full disk, costs no answers.
  destination.on("error", () => {});
  const formatters = { level: (label: string) => ({ level: label }) };
  const timestamp = pino.stdTimeFunctions.isoTime;
  return pino({ level, base: undefined, timestamp, formatters }, destination);
}
