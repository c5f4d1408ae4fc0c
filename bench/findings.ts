// All that one run found, in the order in which it is told.
import type { Agreement } from "./agreement.ts";
import type { Verdict } from "./check.ts";
import type { Crossover } from "./crossover.ts";
import { tableOfFixture } from "./distribution.ts";
import type { Workload } from "./fixture.ts";
import type { Comparison } from "./harness.ts";
import type { PeerFindings } from "./peers/run.ts";
import {
  type Table,
  tableOfComparisons,
  tableOfCrossover,
  tableOfRows,
  tableOfTails,
  tableOfVerdicts,
} from "./report.ts";
import type { Tail } from "./tail.ts";
import type { MeasuredRow } from "./workloads.ts";

export interface Findings {
  agreements: (readonly [Workload, Agreement])[];
  rows: MeasuredRow[];
  comparisons: (Comparison & { id: string })[];
  tails: Tail[];
  crossovers: Crossover[];
  /** Of cohorts by the million and of threads. */
  sections: Section[];
  peers: PeerFindings | undefined;
  verdicts: Verdict[];
}

export interface Section {
  title: string;
  text?: string;
  table?: Table;
}

export const METHOD = `Lanes: *oracle* is \`EvaluationEngine\` of \
@amplitude/experiment-core on flags sorted, and for one flag picked, beforehand; *client* is \
\`LocalEvaluationClient.evaluateV2\` of @amplitude/experiment-node-server, never started, with \
flags from \`bootstrap\` and cohorts in its storage (it runs its own, older copy of \
experiment-core); *Halyard* is this package; *core as JS* is this package with its core \
translated from WebAssembly to JavaScript by Binaryen's wasm2js.

All lanes of a row run in one process: that of the benchmark, for W6 and C one of its own. In each \
round they are sampled once, in random order. Median: of the rounds' medians. p99: of samples of \
at least 0.02 ms, each the mean of its calls. Ratio: the time of the row's first contender by \
this one's within a round, median over rounds; above 1 is faster. Bytes: growth of the used heap \
and of external memory over some calls without a collection between them; "at least" where one \
could not be avoided.`;

export function sectionsOf(findings: Findings): Section[] {
  const { agreements, rows, comparisons, tails, crossovers, peers, verdicts } = findings;
  const sections: Section[] = [{ title: "Rows", table: tableOfRows(rows) }];
  if (tails.length > 0) {
    const text =
      "Each call is timed alone, with one reading of the clock in it; one flag is read. " +
      "Arithmetic alone allocates nothing: its slowest calls are the machine's own pauses.";
    sections.push({ title: "Garbage and the slowest calls", text, table: tableOfTails(tails) });
  }
  sections.push(...findings.sections);
  if (verdicts.length > 0) {
    sections.push({ title: "What must be", table: tableOfVerdicts(verdicts) });
  }
  if (comparisons.length > 0) {
    const text = "W1 to W3 measured again by another harness.";
    sections.push({ title: "Two harnesses", text, table: tableOfComparisons(comparisons) });
  }
  for (const crossover of crossovers) {
    sections.push({ title: `Crossover: ${crossover.title}`, table: tableOfCrossover(crossover) });
  }
  if (peers) sections.push(...peers.sections);
  const text = "All lanes gave these answers, by every way to ask, before anything was timed.";
  sections.push({ title: "The fixture", text, table: tableOfFixture(agreements) });
  return sections;
}
