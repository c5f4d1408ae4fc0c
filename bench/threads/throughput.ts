// T2: what two threads get done, against one of them alone.
import { Engine } from "halyard/engine";
import type { Verdict } from "../check.ts";
import { between, factor } from "../figure.ts";
import type { Section } from "../findings.ts";
import { makeFixture } from "../fixture.ts";
import { spreadOf } from "../measure.ts";
import { Random } from "../random.ts";
import { askChild } from "./child.ts";
import { Crew } from "./crew.ts";
import type { Part, Progress, Scale } from "./part.ts";
import type { Lane } from "./worker.ts";

type Spec = Pick<Scale, "window" | "windowRounds">;

/** Evaluations per millisecond, by round. */
interface Rates {
  lane: string;
  /** Mean of the two threads, each alone. */
  alone: number[];
  both: number[];
}

const GOAL = 1.7;
const JUDGED = "Halyard shared";
const MEMBERS = [[0], [1], [0, 1]];

async function ratesOf(crew: Crew, order: readonly number[], window: number): Promise<number[]> {
  const rates: number[] = [];
  for (const at of order) rates[at] = await crew.rateOf(MEMBERS[at], window);
  return rates;
}

export async function inChild({ window, windowRounds }: Spec): Promise<Rates[]> {
  const { flags, users } = makeFixture().many;
  const engine = Engine.loadSync(flags, { shared: true });
  if (!engine.shared) throw new Error("T2: the engine is not shared");
  const lanes: [string, Lane][] = [
    [JUDGED, { lane: "shared", handle: engine.handle() }],
    ["Halyard private", { lane: "private", image: engine.toImage() }],
    ["arithmetic alone", { lane: "arithmetic" }],
  ];
  const { contexts } = users;
  const crews = new Map<string, Crew>();
  for (const [name, lane] of lanes) {
    const start = { ...lane, contexts, reads: "all" as const };
    const crew = new Crew();
    for (const _ of MEMBERS[2]) await crew.add(start);
    // Warms up.
    await crew.rateOf([0, 1], window);
    crews.set(name, crew);
  }
  const found = lanes.map(([lane]): Rates => ({ lane, alone: [], both: [] }));
  const random = new Random(3);
  for (let round = 0; round < windowRounds; round++) {
    for (const { lane, alone, both } of random.shuffle(found)) {
      const order = random.shuffle([...MEMBERS.keys()]);
      const [first, second, together] = await ratesOf(crews.get(lane)!, order, window);
      alone.push((first + second) / 2);
      both.push(together);
    }
  }
  for (const crew of crews.values()) await crew.close();
  return found;
}

function ratiosOf({ alone, both }: Rates) {
  return spreadOf(both.map((rate, round) => rate / alone[round]));
}

function sectionOf(found: readonly Rates[], { window, windowRounds }: Scale): Section {
  const perSecond = (rates: readonly number[]) =>
    Math.round(spreadOf(rates).median * 1000).toLocaleString("en-US");
  const text =
    `Calls per second of evaluateAll with 500 flags, each read, by worker threads: windows of ` +
    `${window} ms, in each of ${windowRounds} rounds one of each thread alone and one of both. ` +
    `Ratio: of both to the mean of each alone, within a round; medians. Arithmetic alone touches ` +
    `no memory: more than it the machine does not give.`;
  return {
    title: "Two threads",
    text,
    table: {
      header: ["T2", "One thread", "Two threads", "Ratio", "Rounds"],
      figuresFrom: 1,
      lines: found.map((rates) => {
        const ratios = ratiosOf(rates);
        return [
          rates.lane,
          perSecond(rates.alone),
          perSecond(rates.both),
          factor(ratios.median),
          between(ratios, factor),
        ];
      }),
    },
  };
}

export async function measureThroughput(scale: Scale, progress: Progress): Promise<Part> {
  progress("T2: one thread and two");
  const { window, windowRounds } = scale;
  const spec = { window, windowRounds };
  const found = await askChild<Spec, Rates[]>({ file: import.meta.url, spec });
  const { median } = ratiosOf(found.find(({ lane }) => lane === JUDGED)!);
  const verdict: Verdict = {
    row: "T2",
    what: `${JUDGED}, two threads against one`,
    expected: `at least ${factor(GOAL)}`,
    got: factor(median),
    met: median >= GOAL,
  };
  return { sections: [sectionOf(found, scale)], verdicts: [verdict], rows: [] };
}
