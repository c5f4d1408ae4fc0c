import { pino } from "pino";
import type { ServiceLog } from "../log.ts";

const STDERR = 2;

/** One JSON object a line, to standard error: standard output is for people. */
export function makeLog(level: string): ServiceLog {
  const destination = pino.destination({ dest: STDERR, sync: true });
  const formatters = { level: (label: string) => ({ level: label }) };
  const timestamp = pino.stdTimeFunctions.isoTime;
  return pino({ level, base: undefined, timestamp, formatters }, destination);
}
