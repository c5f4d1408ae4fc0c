// M2: resident memory of a process by the number of its threads; a fresh process for each figure.
import { freemem } from "node:os";
import { Engine } from "halyard/engine";
import type { Verdict } from "../check.ts";
import { size } from "../figure.ts";
import type { Section } from "../findings.ts";
import { makeFlags } from "../fixture.ts";
import { spreadOf } from "../measure.ts";
import { askChild } from "./child.ts";
import { Crew } from "./crew.ts";
import { type Crowd, type Crowded, crowdedWorkload, fillEngine } from "./crowd.ts";
import { settledFootprint } from "./footprint.ts";
import { crowdText, type Part, type Progress, type Scale } from "./part.ts";
import type { Lane } from "./worker.ts";

const LANES = ["idle", "bare", "shared", "private", "client"] as const;
type LaneName = (typeof LANES)[number];

interface Spec {
  lane: LaneName;
  workers: number;
  crowd: Crowd;
  calls: number;
}

/** Resident bytes with so many threads. */
interface Point {
  workers: number;
  resident: number;
}

/** By number of threads asked for; fewer where the machine's memory did not suffice for more. */
type Curve = Map<number, Point | undefined>;

const NAMES: Record<LaneName, string> = {
  idle: "idle threads",
  bare: "bare threads",
  shared: "Halyard shared",
  private: "Halyard private",
  client: "client",
};
const FLAGS = 500;
const USERS = 1024;
/** Lanes without copies take little time, and a small difference of them is judged. */
const REPEATED: readonly LaneName[] = ["idle", "bare", "shared"];
/** Bytes per member that the first process of a lane may need. */
const CAUTION: Record<LaneName, number> = {
  idle: 0,
  bare: 0,
  shared: 60,
  private: 60,
  client: 250,
};
/** Of what was measured: while Sets grow they take more. */
const HEADROOM = 1.3;
const EXTRA_MAX = 3e6;

/** The engine that must live on for the others, and what each thread is given. */
function laneOf(name: LaneName, { workload, cohortIds, crowd }: Crowded): [Lane, Engine?] {
  const members = { cohortIds, crowd };
  if (name === "idle" || name === "bare") return [{ lane: name }];
  if (name === "client") return [{ lane: "client", flags: workload.flags, members }];
  if (name === "private") {
    const image = Engine.loadSync(workload.flags).toImage();
    return [{ lane: "private", image, members }];
  }
  const engine = Engine.loadSync(workload.flags, { shared: true });
  if (!engine.shared) throw new Error("M2: the engine is not shared");
  fillEngine(engine, { cohortIds, crowd });
  return [{ lane: "shared", handle: engine.handle() }, engine];
}

export async function inChild({ lane: name, workers, crowd, calls }: Spec): Promise<number> {
  const crowded = crowdedWorkload(makeFlags(3, FLAGS), USERS, crowd);
  const [lane, engine] = laneOf(name, crowded);
  const { contexts } = crowded.workload.users;
  const start = { ...lane, contexts, reads: "all" as const };
  const crew = new Crew();
  for (let worker = 0; worker < workers; worker++)
    await crew.evaluate(await crew.add(start), calls);
  const { resident } = await settledFootprint();
  await crew.close();
  engine?.[Symbol.dispose]();
  return resident;
}

/** How many threads of a lane the machine has memory for, at most as many as asked for. */
function thatFit(lane: LaneName, asked: number, crowd: Crowd, known: Point | undefined): number {
  const caution = CAUTION[lane] * crowd.cohorts * crowd.members;
  if (REPEATED.includes(lane)) return freemem() > caution ? asked : 0;
  const each = known ? (known.resident / known.workers) * HEADROOM : caution;
  return Math.min(asked, Math.floor(freemem() / each));
}

async function curveOf(lane: LaneName, scale: Scale, progress: Progress): Promise<Curve> {
  const { crowd, callsPerWorker, clientCallsPerWorker } = scale;
  const calls = lane === "client" ? clientCallsPerWorker : callsPerWorker;
  const curve: Curve = new Map();
  let last: Point | undefined;
  for (const asked of scale.workers) {
    const workers = thatFit(lane, asked, crowd, last);
    if (workers <= (last?.workers ?? 0)) {
      progress(`M2: ${NAMES[lane]}, ${asked}: left out, ${size(freemem())} are free`);
      curve.set(asked, undefined);
      continue;
    }
    progress(`M2: ${NAMES[lane]}, ${workers}`);
    const spec = { lane, workers, crowd, calls };
    const resident = await askChild<Spec, number>({ file: import.meta.url, spec });
    last = { workers, resident };
    curve.set(asked, last);
  }
  return curve;
}

/** Point by point the median. */
function medianOf(curves: readonly Curve[]): Curve {
  const [first] = curves;
  return new Map(
    [...first].map(([asked, point]) => {
      const all = curves.flatMap((curve) => curve.get(asked) ?? []);
      if (!point) return [asked, undefined];
      const { median } = spreadOf(all.map(({ resident }) => resident));
      return [asked, { workers: point.workers, resident: median }];
    }),
  );
}

/** Bytes per thread between the first and the last point. */
function slopeOf(curve: Curve): number {
  const points = [...curve.values()].filter((point) => point !== undefined);
  const [first, last] = [points[0], points[points.length - 1]];
  return (last.resident - first.resident) / (last.workers - first.workers);
}

function cellOf(asked: number, point: Point | undefined): string {
  if (!point) return "does not fit";
  const { workers, resident } = point;
  return workers === asked ? size(resident) : `${size(resident)} (${workers}: more do not fit)`;
}

function sectionOf(curves: ReadonlyMap<LaneName, Curve>, scale: Scale): Section {
  const bare = slopeOf(curves.get("bare")!);
  const count = (workers: number) => `${workers} thread${workers === 1 ? "" : "s"}`;
  const { callsPerWorker, clientCallsPerWorker, repeats } = scale;
  const text =
    `Resident memory of a process whose worker threads read requests (users as JSON), and answer ` +
    `them with ${FLAGS} flags and ${crowdText(scale.crowd)} members: after ` +
    `${callsPerWorker.toLocaleString("en-US")} requests each (client: ` +
    `${clientCallsPerWorker.toLocaleString("en-US")}, it takes so long), one thread after ` +
    `the other, and a collection of the garbage. A fresh process each; where ` +
    `nothing is copied, median of ${repeats}. Shared: they ` +
    `attach to the main thread's engine. Private: each loads the image and the members. Client: ` +
    `each holds flags and Sets. Bare: they read the requests, nothing is loaded. Idle: not even ` +
    `that, and so without the young generation that V8 gives to every thread that allocates.`;
  return {
    title: "Memory of threads",
    text,
    table: {
      header: ["M2", ...scale.workers.map(count), "Each further", "Beyond a bare one"],
      figuresFrom: 1,
      lines: [...curves].map(([lane, curve]) => [
        NAMES[lane],
        ...[...curve].map(([asked, point]) => cellOf(asked, point)),
        size(slopeOf(curve)),
        lane === "bare" || lane === "idle" ? "" : size(slopeOf(curve) - bare),
      ]),
    },
  };
}

function verdictOf(curves: ReadonlyMap<LaneName, Curve>): Verdict {
  const extra = slopeOf(curves.get("shared")!) - slopeOf(curves.get("bare")!);
  return {
    row: "M2",
    what: "Halyard shared, each further thread beyond a bare one",
    expected: `under ${size(EXTRA_MAX)}`,
    got: size(extra),
    met: extra < EXTRA_MAX,
  };
}

export async function measureResident(scale: Scale, progress: Progress): Promise<Part> {
  const measured = new Map<LaneName, Curve[]>(LANES.map((lane) => [lane, []]));
  for (let repeat = 0; repeat < scale.repeats; repeat++) {
    for (const lane of repeat === 0 ? LANES : REPEATED) {
      measured.get(lane)!.push(await curveOf(lane, scale, progress));
    }
  }
  const curves = new Map([...measured].map(([lane, all]) => [lane, medianOf(all)]));
  return { sections: [sectionOf(curves, scale)], verdicts: [verdictOf(curves)], rows: [] };
}
