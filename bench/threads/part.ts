// What a part of the benchmark in child processes is given, and what it finds.
import type { Verdict } from "../check.ts";
import type { Section } from "../findings.ts";
import type { Budget } from "../measure.ts";
import type { MeasuredRow } from "../workloads.ts";
import type { Crowd } from "./crowd.ts";

/** How much is done. */
export interface Scale {
  /** "10 cohorts of 1,000,000" */
  crowd: Crowd;
  rows: Budget;
  /** Users who are looked up, in turn. */
  users: number;
  allocationRepeats: number;
  /** Of a measurement in a fresh process. */
  repeats: number;
  /** How many threads each. */
  workers: number[];
  callsPerWorker: number;
  clientCallsPerWorker: number;
  /** Rounds of windows of time, and milliseconds of each. */
  windowRounds: number;
  window: number;
  /** Members of the cohort that is replaced again and again. */
  replaced: number;
  requests: number;
}

export type Progress = (text: string) => void;

export interface Part {
  sections: Section[];
  verdicts: Verdict[];
  /** For the table of all rows. */
  rows: MeasuredRow[];
}

export function crowdText({ cohorts, members }: Crowd): string {
  return `${cohorts} cohorts of ${members.toLocaleString("en-US")}`;
}
