// What the fixture is made of, and what its users are answered.
import type { Agreement } from "./agreement.ts";
import type { Workload } from "./fixture.ts";
import type { Table } from "./report.ts";

function operatorsOf({ logical }: Workload): string {
  const counts = new Map<string, number>();
  for (const { conditions } of logical.flatMap(({ segments }) => segments)) {
    for (const { op } of conditions) counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  return [...counts].map(([op, count]) => `${op} ${count}`).join(", ");
}

function lineOf(workload: Workload, { answers, on, off, none, checksum }: Agreement): string[] {
  const segments = workload.logical.flatMap((flag) => flag.segments);
  const bucketed = segments.filter(({ percent }) => percent > 0 && percent < 100);
  const share = (count: number) => `${((100 * count) / answers).toFixed(1)} %`;
  const counts = [
    workload.flags.length,
    segments.length,
    bucketed.length,
    segments.flatMap(({ conditions }) => conditions).length,
  ];
  return [
    workload.name,
    operatorsOf(workload),
    ...[...counts, workload.text.length].map((count) => count.toLocaleString("en-US")),
    ...[on, off, none].map(share),
    checksum,
  ];
}

export function tableOfFixture(entries: readonly (readonly [Workload, Agreement])[]): Table {
  return {
    header: [
      "Workload",
      "Conditions by operator",
      "Flags",
      "Segments",
      "Bucketed",
      "Conditions",
      "Bytes of JSON",
      "on",
      "off",
      "none",
      "Checksum of answers",
    ],
    figuresFrom: 2,
    lines: entries.map(([workload, agreement]) => lineOf(workload, agreement)),
  };
}
