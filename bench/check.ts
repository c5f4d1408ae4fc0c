// What is demanded of the figures, and whether they give it.
import { factor } from "./figure.ts";
import { ratioOf } from "./measure.ts";
import type { Tail } from "./tail.ts";
import type { MeasuredRow } from "./workloads.ts";

export interface Verdict {
  row: string;
  /** What was compared. */
  what: string;
  expected: string;
  got: string;
  met: boolean;
}

const BYTES_MAX = 2048;
const TAIL_MAX = 3;

export function verdictsOf({ row, measured }: MeasuredRow): Verdict[] {
  const find = (name: string) => {
    const found = measured.find((entry) => entry.name === name);
    if (!found) throw new Error(`${row.id} has no contender ${name}`);
    return found;
  };
  return row.goals.map(({ contender, over, atLeast }) => {
    const { median } = ratioOf(find(over), find(contender));
    const asTime = atLeast < 1;
    return {
      row: row.id,
      what: `${contender} against ${over}`,
      expected: asTime ? `at most ${factor(1 / atLeast)} the time` : `at least ${factor(atLeast)}`,
      got: factor(asTime ? 1 / median : median),
      met: median >= atLeast,
    };
  });
}

/** The first tail is the one that something is demanded of. */
export function verdictsOfTails([{ name, median, p999, allocation }]: Tail[]): Verdict[] {
  const bytes = allocation?.bytes ?? Number.NaN;
  return [
    {
      row: "GC",
      what: `${name}, bytes allocated per call`,
      expected: `under ${BYTES_MAX}`,
      got: Number.isNaN(bytes) ? "unknown without --expose-gc" : bytes.toFixed(0),
      met: bytes < BYTES_MAX,
    },
    {
      row: "GC",
      what: `${name}, p99.9 against median`,
      expected: `at most ${factor(TAIL_MAX)}`,
      got: factor(p999 / median),
      met: p999 / median <= TAIL_MAX,
    },
  ];
}

export function lineOf({ row, what, expected, got, met }: Verdict): string {
  return `check ${row}: ${what}: expected ${expected}, got ${got}: ${met ? "met" : "missed"}`;
}
