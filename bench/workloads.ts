// The rows of the table: who is asked what, and what is demanded of the figures.
import { Engine, type EvaluationFlag } from "halyard/engine";
import type { Allocation } from "./allocation.ts";
import { type Fixture, makeUsers, type Workload } from "./fixture.ts";
import { HALYARDS, type Loaded, loadLanes } from "./lanes.ts";
import type { Contender, Measured } from "./measure.ts";
import { Random } from "./random.ts";

/** A ratio that must be reached: time of `over` by the time of `contender`. */
export interface Goal {
  contender: string;
  over: string;
  atLeast: number;
}

export interface Row {
  id: string;
  title: string;
  /** The first is what the others are compared with. */
  contenders: Contender[];
  goals: Goal[];
}

export interface MeasuredRow {
  row: Row;
  /** As the row's contenders. */
  measured: Measured[];
  allocations: (Allocation | undefined)[];
}

/** How much of the work that is too long for one sample is done in it. */
export interface Sizes {
  batchUsers: number;
}

const PINNED_USERS = 64;
/** Users of one sample of the oracle's loop; times are per user. */
const LOOP_USERS = 4;

type Answer = { key?: string } | undefined;

/** Adds up what was answered; the length of a key differs between "on" and "off". */
export function weigh(variant: Answer): number {
  return variant?.key?.length ?? 0;
}

function goal(contender: string, over: string, atLeast: number): Goal {
  return { contender, over, atLeast };
}

/** As many questions until the same are asked again; a power of 2, so that no division is timed. */
const QUESTIONS = 4096;
const QUESTIONS_PER_CALL = 16;

/** Nobody asks for one flag after the other in the order of the config. */
function randomKeys({ keys }: Loaded): string[] {
  const random = new Random(8);
  return Array.from({ length: QUESTIONS }, () => random.pick(keys));
}

/** The users by question, in turn. */
function usersInTurn<User>(users: readonly User[]): User[] {
  return Array.from({ length: QUESTIONS }, (_, index) => users[index % users.length]);
}

/** Asks some questions in one call, so that calling does not count; times are per question. */
export function inTurn(name: string, ask: (question: number) => number): Contender {
  return {
    name,
    units: QUESTIONS_PER_CALL,
    call(index) {
      const first = index * QUESTIONS_PER_CALL;
      let sum = 0;
      for (let i = 0; i < QUESTIONS_PER_CALL; i++) sum += ask((first + i) & (QUESTIONS - 1));
      return sum;
    },
  };
}

function oneRow(id: string, title: string, loaded: Loaded): Row {
  const { oracle, client, halyards, workload } = loaded;
  const users = workload.users.contexts.length;
  const contexts = usersInTurn(workload.users.contexts);
  const keys = randomKeys(loaded);
  const asked = keys.map((key) => [key]);
  return {
    id,
    title,
    goals: [],
    contenders: [
      inTurn("oracle evaluate", (i) => weigh(oracle.variant(contexts[i], keys[i]))),
      inTurn("client evaluateV2", (i) => weigh(client.evaluate(i % users, asked[i])[keys[i]])),
      ...HALYARDS.map(([lane]) => {
        const engine = halyards[lane];
        return inTurn(`${lane} variant`, (i) => weigh(engine.variant(contexts[i], keys[i])));
      }),
    ],
  };
}

function waysToAskAll(lane: string, engine: Engine, loaded: Loaded): Contender[] {
  const { keys, workload } = loaded;
  const { contexts } = workload.users;
  const users = contexts.length;
  const last = keys[keys.length - 1];
  let sum = 0;
  const add = (variant: Answer) => {
    sum += weigh(variant);
  };
  return [
    {
      name: `${lane} evaluateAll, get each`,
      call(index) {
        const variants = engine.evaluateAll(contexts[index % users]);
        let total = 0;
        for (let i = 0; i < keys.length; i++) total += weigh(variants.get(keys[i]));
        return total;
      },
    },
    {
      name: `${lane} evaluateAll, forEach`,
      call(index) {
        sum = 0;
        engine.evaluateAll(contexts[index % users]).forEach(add);
        return sum;
      },
    },
    {
      name: `${lane} evaluate`,
      call: (index) => weigh(engine.evaluate(contexts[index % users])[last]),
    },
  ];
}

function allRow(id: string, loaded: Loaded, readAll: number, record: number): Row {
  const { keys, oracle, client, halyards, workload } = loaded;
  const { contexts } = workload.users;
  const users = contexts.length;
  const last = keys[keys.length - 1];
  return {
    id,
    title: `${keys.length} flags, all`,
    contenders: [
      {
        name: "oracle evaluate",
        call: (index) => weigh(oracle.evaluate(contexts[index % users])[last]),
      },
      {
        name: "client evaluateV2",
        call: (index) => weigh(client.evaluate(index % users)[last]),
      },
      ...HALYARDS.flatMap(([lane]) => waysToAskAll(lane, halyards[lane], loaded)),
    ],
    goals: [
      goal("Halyard evaluateAll, get each", "oracle evaluate", readAll),
      goal("Halyard evaluate", "oracle evaluate", record),
    ],
  };
}

function loadRow({ text }: Workload): Row {
  const parse = () => JSON.parse(text) as EvaluationFlag[];
  const image = Engine.loadSync(parse()).toImage();
  return {
    id: "W5",
    title: "500 flags made ready",
    contenders: [
      { name: "JSON.parse alone", call: () => parse().length },
      ...HALYARDS.flatMap(([lane, backend]) => [
        {
          name: `${lane} from JSON text`,
          call: () => Engine.loadSync(parse(), { backend }).memoryBytes,
        },
        {
          name: `${lane} from an image`,
          call: () => Engine.loadSync(image, { backend }).memoryBytes,
        },
      ]),
    ],
    goals: [
      goal("Halyard from JSON text", "JSON.parse alone", 1 / 3),
      goal("Halyard from an image", "JSON.parse alone", 30),
    ],
  };
}

function batchRow(loaded: Loaded, { batchUsers }: Sizes): Row {
  const { keys, oracle, halyards, workload } = loaded;
  const { contexts } = workload.users;
  const batch = makeUsers(7, batchUsers).contexts;
  const last = keys[keys.length - 1];
  return {
    id: "W7",
    title: `${batchUsers.toLocaleString("en-US")} users and ${keys.length} flags, per user`,
    contenders: [
      {
        name: "oracle evaluate in a loop",
        units: LOOP_USERS,
        call(index) {
          let total = 0;
          for (let i = 0; i < LOOP_USERS; i++) {
            const context = contexts[(index * LOOP_USERS + i) % contexts.length];
            total += weigh(oracle.evaluate(context)[last]);
          }
          return total;
        },
      },
      ...HALYARDS.map(([lane]): Contender => {
        const engine = halyards[lane];
        return {
          name: `${lane} evaluateMany`,
          units: batchUsers,
          call: (index) => engine.evaluateMany(batch).outcomes[index % keys.length],
        };
      }),
    ],
    goals: [goal("Halyard evaluateMany", "oracle evaluate in a loop", 150)],
  };
}

function explainRow(loaded: Loaded): Row {
  const { keys, oracle, halyards, workload } = loaded;
  const { contexts } = workload.users;
  const users = contexts.length;
  const last = keys[keys.length - 1];
  return {
    id: "W8",
    title: `${keys.length} flags, each explained`,
    contenders: [
      {
        name: "oracle evaluateWithTraces",
        call(index) {
          const { results, traces } = oracle.trace(contexts[index % users]);
          return weigh(results[last]) + Number(last in traces);
        },
      },
      ...HALYARDS.map(([lane]): Contender => {
        const engine = halyards[lane];
        return {
          name: `${lane} explain`,
          call(index) {
            let total = 0;
            for (const key of keys)
              total += weigh(engine.explain(contexts[index % users], key)?.variant);
            return total;
          },
        };
      }),
    ],
    goals: [goal("Halyard explain", "oracle evaluateWithTraces", 5)],
  };
}

/** Users that stay: their contexts are encoded once, beforehand. */
function pinnedRow(loaded: Loaded): Row {
  const { oracle, halyards, workload } = loaded;
  const keys = randomKeys(loaded);
  const users = workload.users.contexts.slice(0, PINNED_USERS);
  const contexts = usersInTurn(users);
  return {
    id: "W9",
    title: `${loaded.keys.length} flags loaded, a pinned user asks for one`,
    contenders: [
      inTurn("oracle evaluate", (i) => weigh(oracle.variant(contexts[i], keys[i]))),
      ...HALYARDS.flatMap(([lane]) => {
        const engine = halyards[lane];
        const pinned = usersInTurn(users.map((context) => engine.pin(context)));
        return [
          inTurn(`${lane} pinned variant`, (i) => weigh(pinned[i].variant(keys[i]))),
          inTurn(`${lane} pin, then variant`, (i) => {
            using user = engine.pin(contexts[i]);
            return weigh(user.variant(keys[i]));
          }),
        ];
      }),
    ],
    goals: [goal("Halyard pinned variant", "oracle evaluate", 40)],
  };
}

/** Every workload of the fixture, loaded by every lane. */
export function loadAll(fixture: Fixture): Record<keyof Fixture, Loaded> {
  const { one, twenty, many, hit, miss } = fixture;
  return {
    one: loadLanes(one),
    twenty: loadLanes(twenty),
    many: loadLanes(many),
    hit: loadLanes(hit),
    miss: loadLanes(miss),
  };
}

export function makeRows(loaded: Record<keyof Fixture, Loaded>, sizes: Sizes): Row[] {
  const { one, twenty, many, hit, miss } = loaded;
  const over = (row: Row, baseline: string, atLeast: number) => {
    row.goals.push(goal("Halyard variant", baseline, atLeast));
    return row;
  };
  const w1b = over(oneRow("W1b", "500 flags loaded, one asked", many), "oracle evaluate", 8);
  return [
    over(oneRow("W1", "1 flag loaded, it is asked", one), "oracle evaluate", 6),
    over(w1b, "client evaluateV2", 2000),
    allRow("W2", twenty, 25, 15),
    allRow("W3", many, 100, 35),
    over(oneRow("W4 hit", "user_id is one of 10,000, hit", hit), "oracle evaluate", 1000),
    over(oneRow("W4 miss", "user_id is one of 10,000, miss", miss), "oracle evaluate", 1000),
    loadRow(many.workload),
    batchRow(many, sizes),
    explainRow(twenty),
    pinnedRow(many),
  ];
}
