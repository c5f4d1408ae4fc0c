// C: the compact engine, in a process of its own: beside the whole engine, whose code it shares,
// neither would be compiled as where there is only one of them.
import { isDeepStrictEqual } from "node:util";
import { CompactEngine } from "halyard/engine/compact";
import { type Allocation, allocationOf } from "../allocation.ts";
import { makeFixture, type Workload } from "../fixture.ts";
import { Oracle } from "../lanes.ts";
import { type Contender, type Measured, measure } from "../measure.ts";
import { inTurn, type MeasuredRow, weigh } from "../workloads.ts";
import { askChild } from "./child.ts";
import type { Part, Progress, Scale } from "./part.ts";

type Spec = Pick<Scale, "rows" | "allocationRepeats">;

interface Found {
  id: string;
  title: string;
  measured: Measured[];
  allocations: (Allocation | undefined)[];
}

interface Question {
  id: string;
  title: string;
  contenders: Contender[];
}

function checkAnswers(engine: CompactEngine, oracle: Oracle, { users, name }: Workload): void {
  for (const [user, context] of users.contexts.entries()) {
    if (isDeepStrictEqual({ ...oracle.evaluate(context) }, engine.evaluate(context))) continue;
    throw new Error(`C: the compact engine differs from the oracle: ${name}, user ${user}`);
  }
}

function questionsOf({ twenty, many }: Record<"twenty" | "many", Workload>): Question[] {
  return [
    { id: "C1", title: "500 flags loaded, one asked, compact", contenders: askOne(many) },
    { id: "C2", title: "20 flags, all, compact", contenders: askAll(twenty) },
    { id: "C3", title: "500 flags, all, compact", contenders: askAll(many) },
    { id: "C4", title: "500 flags made ready, compact", contenders: makeReady(many) },
  ];
}

function enginesOf(workload: Workload): { engine: CompactEngine; oracle: Oracle } {
  const engine = CompactEngine.loadSync(workload.flags);
  const oracle = new Oracle(workload.flags);
  checkAnswers(engine, oracle, workload);
  return { engine, oracle };
}

function askOne(workload: Workload): Contender[] {
  const { engine, oracle } = enginesOf(workload);
  const { contexts } = workload.users;
  const keys = workload.flags.map(({ key }) => key);
  const [users, flags] = [contexts.length, keys.length];
  // Neither the users nor the flags in the order in which they stand.
  const context = (i: number) => contexts[(i * 7) % users];
  const key = (i: number) => keys[(i * 31) % flags];
  return [
    inTurn("oracle evaluate", (i) => weigh(oracle.variant(context(i), key(i)))),
    inTurn("compact variant", (i) => weigh(engine.variant(context(i), key(i)))),
  ];
}

function askAll(workload: Workload): Contender[] {
  const { engine, oracle } = enginesOf(workload);
  const { contexts } = workload.users;
  const users = contexts.length;
  const last = workload.flags[workload.flags.length - 1].key;
  return [
    { name: "oracle evaluate", call: (i) => weigh(oracle.evaluate(contexts[i % users])[last]) },
    { name: "compact evaluate", call: (i) => weigh(engine.evaluate(contexts[i % users])[last]) },
  ];
}

function makeReady({ text }: Workload): Contender[] {
  return [
    { name: "JSON.parse alone", call: () => JSON.parse(text).length },
    {
      name: "compact from JSON text",
      call: () => CompactEngine.loadSync(JSON.parse(text)).flagKeys.length,
    },
  ];
}

export async function inChild({ rows, allocationRepeats }: Spec): Promise<Found[]> {
  const found: Found[] = [];
  for (const { id, title, contenders } of questionsOf(makeFixture())) {
    const measured = await measure(contenders, rows);
    const allocations = [];
    for (const contender of contenders) {
      allocations.push(await allocationOf(contender, allocationRepeats));
    }
    found.push({ id, title, measured, allocations });
  }
  return found;
}

export async function measureCompact(scale: Scale, progress: Progress): Promise<Part> {
  progress("C: the compact engine");
  const { rows: budget, allocationRepeats } = scale;
  const assignment = { file: import.meta.url, spec: { rows: budget, allocationRepeats } };
  const found = await askChild<Spec, Found[]>(assignment);
  const rows = found.map(({ id, title, measured, allocations }): MeasuredRow => {
    return { row: { id, title, contenders: [], goals: [] }, measured, allocations };
  });
  return { sections: [], verdicts: [], rows };
}
