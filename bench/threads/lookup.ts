// W6: one user is looked up in many large cohorts, by Halyard and by Amplitude's client.
import { isDeepStrictEqual } from "node:util";
import { Engine } from "halyard/engine";
import { type Allocation, allocationOf } from "../allocation.ts";
import { Client } from "../lanes.ts";
import { type Contender, type Measured, measure } from "../measure.ts";
import { weigh } from "../workloads.ts";
import { askChild } from "./child.ts";
import { type Crowded, crowdedWorkload, fillClient, fillEngine, flagsOfCohorts } from "./crowd.ts";
import { crowdText, type Part, type Progress, type Scale } from "./part.ts";

type Spec = Pick<Scale, "crowd" | "users" | "rows" | "allocationRepeats">;

interface Found {
  measured: Measured[];
  allocations: (Allocation | undefined)[];
}

const HEAP_MEGABYTES = 6144;
const GOAL = 4;

/** That both find the same, and of every second user the one cohort. */
function checkAnswers(engine: Engine, client: Client, { workload }: Crowded): void {
  const { contexts } = workload.users;
  for (const [user, context] of contexts.entries()) {
    const answers = Object.entries(client.evaluate(user)).map(([key, answer]) => [
      key,
      answer?.key,
    ]);
    const variants = Object.entries(engine.evaluate(context)).map(([key, { key: name }]) => [
      key,
      name,
    ]);
    const count = answers.filter(([, name]) => name === "on").length;
    if (isDeepStrictEqual(answers, variants) && count === 1 - (user % 2)) continue;
    throw new Error(`W6: Halyard differs from the client, or both are wrong: user ${user}`);
  }
}

function contendersOf(
  engine: Engine,
  client: Client,
  { workload, cohortIds }: Crowded,
): Contender[] {
  const { flags, users } = workload;
  const { contexts } = users;
  const keys = flags.map(({ key }) => key);
  const asked = keys.map((key) => [key]);
  const ids = new Set(cohortIds);
  const [count, last] = [contexts.length, keys[keys.length - 1]];
  return [
    {
      name: "client evaluateV2",
      call: (index) => weigh(client.evaluate(index % count)[last]),
    },
    {
      name: "client evaluateV2, one flag",
      call(index) {
        const at = index % keys.length;
        return weigh(client.evaluate(index % count, asked[at])[keys[at]]);
      },
    },
    // Not the whole question, but the part of it that Sets answer.
    {
      name: "client getCohortsForUser",
      call: (index) => client.cohortsOf(index % count, ids).size,
    },
    {
      name: "Halyard evaluateAll, get each",
      call(index) {
        const variants = engine.evaluateAll(contexts[index % count]);
        let total = 0;
        for (let i = 0; i < keys.length; i++) total += weigh(variants.get(keys[i]));
        return total;
      },
    },
    {
      name: "Halyard variant",
      call: (index) => weigh(engine.variant(contexts[index % count], keys[index % keys.length])),
    },
  ];
}

export async function inChild({ crowd, users, rows, allocationRepeats }: Spec): Promise<Found> {
  const crowded = crowdedWorkload(flagsOfCohorts(crowd), users, crowd);
  const engine = Engine.loadSync(crowded.workload.flags);
  const client = new Client(crowded.workload);
  fillEngine(engine, crowded);
  fillClient(client, crowded);
  checkAnswers(engine, client, crowded);
  const contenders = contendersOf(engine, client, crowded);
  const measured = await measure(contenders, rows);
  const allocations = [];
  for (const contender of contenders) {
    allocations.push(await allocationOf(contender, allocationRepeats));
  }
  return { measured, allocations };
}

export async function measureLookup(scale: Scale, progress: Progress): Promise<Part> {
  const { crowd, users, rows, allocationRepeats } = scale;
  const title = `a user in ${crowdText(crowd)} members`;
  progress(`W6: ${title}`);
  const assignment = {
    file: import.meta.url,
    spec: { crowd, users, rows, allocationRepeats },
    heapMegabytes: HEAP_MEGABYTES,
  };
  const { measured, allocations } = await askChild<Spec, Found>(assignment);
  const goals = [
    { contender: "Halyard evaluateAll, get each", over: "client evaluateV2", atLeast: GOAL },
    { contender: "Halyard variant", over: "client evaluateV2, one flag", atLeast: GOAL },
  ];
  const row = { id: "W6", title, contenders: [], goals };
  return { sections: [], verdicts: [], rows: [{ row, measured, allocations }] };
}
