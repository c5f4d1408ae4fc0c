// T1: the same questions on private memory, on shared memory, and on that of another engine.
import { Engine } from "halyard/engine";
import type { Verdict } from "../check.ts";
import { between, factor, time } from "../figure.ts";
import type { Section } from "../findings.ts";
import { makeFixture, type Workload } from "../fixture.ts";
import { type Contender, type Measured, measure, ratioOf, spreadOf } from "../measure.ts";
import { Random } from "../random.ts";
import { inTurn, weigh } from "../workloads.ts";
import { askChild } from "./child.ts";
import { crowdedWorkload, fillEngine, flagsOfCohorts } from "./crowd.ts";
import { crowdText, type Part, type Progress, type Scale } from "./part.ts";

type Spec = Pick<Scale, "crowd" | "users" | "rows">;

/** In the order of `LANES`. */
interface Compared {
  shape: string;
  measured: Measured[];
}

type EngineLane = readonly [string, Engine];

const LANES = ["private", "shared", "attached"];
const SLOWER_MAX = 1.1;
const QUESTIONS = 4096;

function enginesFor(flags: Workload["flags"], fill: (engine: Engine) => void): EngineLane[] {
  const owned = Engine.loadSync(flags);
  const shared = Engine.loadSync(flags, { shared: true });
  if (!shared.shared) throw new Error("T1: the engine is not shared");
  fill(owned);
  fill(shared);
  const engines = [owned, shared, Engine.attach(shared.handle())];
  return engines.map((engine, at) => [LANES[at], engine]);
}

function oneOf({ flags, users }: Workload, engines: readonly EngineLane[]): Contender[] {
  const random = new Random(8);
  const { contexts } = users;
  const questions = Array.from({ length: QUESTIONS }, (_, question) => ({
    context: contexts[question % contexts.length],
    key: random.pick(flags).key,
  }));
  return engines.map(([name, engine]) =>
    inTurn(name, (i) => weigh(engine.variant(questions[i].context, questions[i].key))),
  );
}

function allOf({ flags, users }: Workload, engines: readonly EngineLane[]): Contender[] {
  const { contexts } = users;
  const keys = flags.map(({ key }) => key);
  return engines.map(([name, engine]) => ({
    name,
    call(index) {
      const variants = engine.evaluateAll(contexts[index % contexts.length]);
      let total = 0;
      for (let i = 0; i < keys.length; i++) total += weigh(variants.get(keys[i]));
      return total;
    },
  }));
}

export async function inChild({ crowd, users, rows }: Spec): Promise<Compared[]> {
  const { one, twenty, many } = makeFixture();
  const crowded = crowdedWorkload(flagsOfCohorts(crowd), users, crowd);
  const fill = (engine: Engine) => fillEngine(engine, crowded);
  const workloads = {
    one: enginesFor(one.flags, () => {}),
    twenty: enginesFor(twenty.flags, () => {}),
    many: enginesFor(many.flags, () => {}),
    crowded: enginesFor(crowded.workload.flags, fill),
  };
  const shapes: [string, Contender[]][] = [
    ["W1: variant, 1 flag", oneOf(one, workloads.one)],
    ["W1b: variant, 500 flags", oneOf(many, workloads.many)],
    ["W2: evaluateAll, 20 flags", allOf(twenty, workloads.twenty)],
    ["W3: evaluateAll, 500 flags", allOf(many, workloads.many)],
    [`W6: evaluateAll, ${crowd.cohorts} cohorts`, allOf(crowded.workload, workloads.crowded)],
    [`W6: variant, ${crowd.cohorts} cohorts`, oneOf(crowded.workload, workloads.crowded)],
  ];
  const compared: Compared[] = [];
  for (const [shape, contenders] of shapes) {
    compared.push({ shape, measured: await measure(contenders, rows) });
  }
  return compared;
}

function sectionOf(compared: readonly Compared[], { crowd }: Scale): Section {
  const text =
    `One process, rounds as above; W6 with ${crowdText(crowd)} members. Shared: the owner's ` +
    "engine on shared memory. Attached: another engine on that memory. Ratio: its time by that " +
    "on private memory within a round, median over rounds; above 1 is slower.";
  return {
    title: "Evaluation on shared memory",
    text,
    table: {
      header: ["T1", "Private", "Shared", "Ratio", "Rounds", "Attached", "Ratio ", "Rounds "],
      figuresFrom: 1,
      lines: compared.map(({ shape, measured }) => [
        shape,
        time(spreadOf(measured[0].medians).median),
        ...measured.slice(1).flatMap((entry) => {
          const ratio = ratioOf(entry, measured[0]);
          return [
            time(spreadOf(entry.medians).median),
            factor(ratio.median),
            between(ratio, factor),
          ];
        }),
      ]),
    },
  };
}

function verdictsOf({ shape, measured }: Compared): Verdict[] {
  const [owned, ...others] = measured;
  return others.map((entry) => {
    const { median } = ratioOf(entry, owned);
    return {
      row: "T1",
      what: `${shape}, ${entry.name} against private memory`,
      expected: `at most ${factor(SLOWER_MAX)} the time`,
      got: factor(median),
      met: median <= SLOWER_MAX,
    };
  });
}

export async function measurePace(scale: Scale, progress: Progress): Promise<Part> {
  progress("T1: private and shared memory");
  const { crowd, users, rows } = scale;
  const spec = { crowd, users, rows };
  const compared = await askChild<Spec, Compared[]>({ file: import.meta.url, spec });
  const verdicts = compared.flatMap(verdictsOf);
  return { sections: [sectionOf(compared, scale)], verdicts, rows: [] };
}
