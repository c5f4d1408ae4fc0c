// T3: how much a thread that evaluates is delayed by what the owner publishes meanwhile.
import { setTimeout } from "node:timers/promises";
import { Engine } from "halyard/engine";
import type { Verdict } from "../check.ts";
import { between, factor, time } from "../figure.ts";
import type { Section } from "../findings.ts";
import { makeFlags } from "../fixture.ts";
import { spreadOf } from "../measure.ts";
import { Random } from "../random.ts";
import { askChild } from "./child.ts";
import { Crew } from "./crew.ts";
import { type Crowded, crowdedWorkload, fillEngine, membersOf } from "./crowd.ts";
import type { Part, Progress, Scale } from "./part.ts";
import type { Times } from "./worker.ts";

type Spec = Pick<Scale, "windowRounds" | "window" | "replaced">;

/** What the owner does while the other thread evaluates. */
interface Duty {
  name: string;
  act(count: number): void;
}

/** What the other thread measured meanwhile, by round. */
interface Felt {
  name: string;
  times: Times[];
  /** How often the owner acted, in all. */
  acts: number;
}

const FLAGS = 500;
const USERS = 1024;
const COHORTS = 10;
const INTERVAL_MS = 50;
const DELAY_MAX = 1.1;
const QUIET = "nothing";
const QUIET_AGAIN = "nothing, again";
const UPDATE = "updates 500 flags";
const UPDATE_ELSEWHERE = "updates another engine";
const REPLACE = "replaces a cohort";

/** The same flags, each of another version. */
function newerOf(text: string): string {
  return text.replaceAll(/"flagVersion":(\d+)/g, (_, version) => `"flagVersion":${+version + 100}`);
}

function dutiesOf(engine: Engine, { workload, cohortIds, crowd }: Crowded): Duty[] {
  const texts = [newerOf(workload.text), workload.text];
  const elsewhere = Engine.loadSync(workload.flags);
  const replacements = [0, 1].map((cohort) => [...membersOf(cohort, crowd)]);
  return [
    { name: QUIET, act: () => {} },
    { name: QUIET_AGAIN, act: () => {} },
    { name: UPDATE, act: (count) => void engine.update(JSON.parse(texts[count % 2])) },
    { name: UPDATE_ELSEWHERE, act: (count) => void elsewhere.update(JSON.parse(texts[count % 2])) },
    {
      name: REPLACE,
      act: (count) => void engine.setCohort(cohortIds[0], "User", replacements[count % 2]),
    },
  ];
}

async function feel(crew: Crew, { act }: Duty, felt: Felt, window: number): Promise<void> {
  let isOver = false;
  const measured = crew.times(0, window).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await setTimeout(INTERVAL_MS);
    if (isOver) break;
    act(felt.acts);
    felt.acts++;
  }
  felt.times.push(await measured);
}

export async function inChild({ windowRounds, window, replaced }: Spec): Promise<Felt[]> {
  const crowded = crowdedWorkload(makeFlags(3, FLAGS), USERS, {
    cohorts: COHORTS,
    members: replaced,
  });
  const engine = Engine.loadSync(crowded.workload.flags, { shared: true });
  if (!engine.shared) throw new Error("T3: the engine is not shared");
  fillEngine(engine, crowded);
  const { contexts } = crowded.workload.users;
  const crew = new Crew();
  await crew.add({ lane: "shared", handle: engine.handle(), contexts, reads: "one" });
  const duties = dutiesOf(engine, crowded);
  const felt = duties.map(({ name }): Felt => ({ name, times: [], acts: 0 }));
  const random = new Random(4);
  // Warms up: all that is done later, once.
  for (const duty of duties) await feel(crew, duty, { name: "", times: [], acts: 0 }, window);
  for (let round = 0; round < windowRounds; round++) {
    for (const at of random.shuffle([...duties.keys()])) {
      await feel(crew, duties[at], felt[at], window);
    }
  }
  await crew.close();
  return felt;
}

/** Times of one field by those of the first quiet windows, round by round. */
function ratiosOf(found: readonly Felt[], { times }: Felt, field: "median" | "p999") {
  const quiet = found.find(({ name }) => name === QUIET)!;
  return spreadOf(times.map((entry, round) => entry[field] / quiet.times[round][field]));
}

function sectionOf(found: readonly Felt[], scale: Scale): Section {
  const text =
    `One thread calls evaluateAll with ${FLAGS} flags, each call timed alone, one flag read; ` +
    `meanwhile the owner on the other core parses and publishes an update of all flags, or ` +
    `replaces a cohort of ${scale.replaced.toLocaleString("en-US")}, and rests for ` +
    `${INTERVAL_MS} ms, again and again. ` +
    `Windows of ${scale.window} ms in random order, one of each kind in each of ` +
    `${scale.windowRounds} rounds. Ratio: to the window without updates of the same round, ` +
    `median over rounds. "${QUIET_AGAIN}" is the noise of this; "${UPDATE_ELSEWHERE}" is the ` +
    `same work without publication to the thread.`;
  return {
    title: "Updates while others evaluate",
    text,
    table: {
      header: [
        "T3: the owner",
        "Times",
        "Calls",
        "Median",
        "Ratio",
        "p99.9",
        "Ratio ",
        "Rounds",
        "Longest",
      ],
      figuresFrom: 1,
      lines: found.map((felt) => {
        const of = (field: keyof Times) => spreadOf(felt.times.map((entry) => entry[field]));
        const ratio = ratiosOf(found, felt, "p999");
        const calls = felt.times.reduce((sum, entry) => sum + entry.calls, 0);
        return [
          felt.name,
          felt.name.startsWith(QUIET) ? "" : felt.acts.toLocaleString("en-US"),
          calls.toLocaleString("en-US"),
          time(of("median").median),
          factor(ratiosOf(found, felt, "median").median),
          time(of("p999").median),
          factor(ratio.median),
          between(ratio, factor),
          time(of("longest").high),
        ];
      }),
    },
  };
}

function verdictsOf(found: readonly Felt[]): Verdict[] {
  return found
    .filter(({ name }) => name === UPDATE || name === REPLACE)
    .map((felt) => {
      const { median } = ratiosOf(found, felt, "p999");
      return {
        row: "T3",
        what: `a reader's p99.9 while the owner ${felt.name}`,
        expected: `at most ${factor(DELAY_MAX)}`,
        got: factor(median),
        met: median <= DELAY_MAX,
      };
    });
}

export async function measureDelay(scale: Scale, progress: Progress): Promise<Part> {
  progress("T3: updates while others evaluate");
  const { windowRounds, window, replaced } = scale;
  const spec = { windowRounds, window, replaced };
  const found = await askChild<Spec, Felt[]>({ file: import.meta.url, spec });
  return { sections: [sectionOf(found, scale)], verdicts: verdictsOf(found), rows: [] };
}
