// Where one lane overtakes another: time against the number of flags, and of user properties.
import { Engine, type EvaluationContext } from "halyard/engine";
import { makeFlags, makeUsers, makeWorkload } from "./fixture.ts";
import { HALYARDS, type HalyardLane, Oracle } from "./lanes.ts";
import { type Budget, measure, spreadOf } from "./measure.ts";
import { Random } from "./random.ts";

export const SERIES = ["oracle", ...HALYARDS.map(([lane]) => lane)] as const;

/** Medians in nanoseconds by lane, at each of `steps`. */
export interface Crossover {
  title: string;
  axis: string;
  steps: number[];
  times: Record<"oracle" | HalyardLane, number[]>;
}

const FLAG_COUNTS = [1, 5, 20, 100, 500, 2000];
const PROPERTY_COUNTS = [0, 5, 100, 1000];
const USERS = 64;

type Step = { flags: number; contexts: EvaluationContext[]; at: number };

async function timesOf({ flags, contexts }: Step, budget: Budget): Promise<number[]> {
  const workload = makeWorkload(`${flags} flags`, makeFlags(20, flags), { logical: [], contexts });
  const oracle = new Oracle(workload.flags);
  const keys = workload.flags.map(({ key }) => key);
  const measured = await measure(
    [
      {
        name: "oracle",
        call: (index) => Number(keys[0] in oracle.evaluate(contexts[index % contexts.length])),
      },
      ...HALYARDS.map(([name, backend]) => {
        const engine = Engine.loadSync(workload.flags, { backend });
        return {
          name,
          call(index: number) {
            const variants = engine.evaluateAll(contexts[index % contexts.length]);
            let found = 0;
            for (let i = 0; i < keys.length; i++) if (variants.get(keys[i])) found++;
            return found;
          },
        };
      }),
    ],
    budget,
  );
  return measured.map(({ medians }) => spreadOf(medians).median);
}

async function crossover(
  title: string,
  axis: string,
  steps: Step[],
  budget: Budget,
): Promise<Crossover> {
  const times: Crossover["times"] = { oracle: [], Halyard: [], "core as JS": [] };
  for (const step of steps) {
    for (const [at, time] of (await timesOf(step, budget)).entries()) times[SERIES[at]].push(time);
  }
  return { title, axis, steps: steps.map(({ at }) => at), times };
}

/** Users with `count` more properties; no flag asks for them. */
function withProperties(contexts: EvaluationContext[], count: number): EvaluationContext[] {
  const random = new Random(3);
  return contexts.map((context) => {
    const user = context.user as { user_properties: Record<string, unknown> };
    const extra = Array.from({ length: count }, (_, i) => [`property ${i}`, random.text(8)]);
    const user_properties = { ...user.user_properties, ...Object.fromEntries(extra) };
    return JSON.parse(JSON.stringify({ ...context, user: { ...user, user_properties } }));
  });
}

export async function measureCrossovers(budget: Budget): Promise<Crossover[]> {
  const { contexts } = makeUsers(21, USERS);
  const byFlags = FLAG_COUNTS.map((flags) => ({ flags, contexts, at: flags }));
  const byProperties = PROPERTY_COUNTS.map((count) => ({
    flags: 20,
    contexts: withProperties(contexts, count),
    at: count,
  }));
  return [
    await crossover("All flags, all read", "flags", byFlags, budget),
    await crossover("20 flags, all read", "user properties no flag asks for", byProperties, budget),
  ];
}
