// A thread of the benchmark: it evaluates as its lane does, when it is told to.
import { parentPort, workerData } from "node:worker_threads";
import type { EngineHandle, EvaluationContext, EvaluationFlag } from "halyard/engine";
import type { Members } from "./crowd.ts";
import { collect } from "./footprint.ts";

/** What a thread is to be, with what it needs for that. */
export type Lane =
  /** Does nothing. */
  | { lane: "idle" }
  /** Reads requests, and answers none. */
  | { lane: "bare" }
  | { lane: "arithmetic" }
  | { lane: "shared"; handle: EngineHandle }
  | { lane: "private"; image: Uint8Array; members?: Members }
  | { lane: "client"; flags: EvaluationFlag[]; members: Members };

export type Start = Lane & { contexts: EvaluationContext[]; reads: "one" | "all" };

export type Request =
  /** Evaluate so many users who come as text, then collect the garbage. */
  | { what: "calls"; calls: number }
  /** Evaluate for so many milliseconds; count. */
  | { what: "count"; window: number }
  /** As long, but each call is timed. */
  | { what: "times"; window: number };

export interface Count {
  calls: number;
  /** Milliseconds. */
  time: number;
}

/** Nanoseconds. */
export interface Times {
  calls: number;
  median: number;
  p999: number;
  longest: number;
}

type Ask = (index: number, context: EvaluationContext) => number;

/** Calls between two readings of the clock, where single calls are not timed. */
const CALLS_PER_LOOK = 16;
const MS_TO_NS = 1e6;
const TIMES_MAX = 4_000_000;

const { contexts, reads, ...lane } = workerData as Start;
let times = new Float64Array(0);
let next = 0;
/** Of what was answered: sent, so that nothing is optimised away. */
let sum = 0;

function add(variant: { key?: string } | undefined): void {
  sum += variant?.key?.length ?? 0;
}

/** Nothing is imported but what the lane needs: code takes memory, too. */
async function askerOf(start: Lane): Promise<Ask> {
  if (start.lane === "idle") return () => 0;
  if (start.lane === "bare") return (_, { user }) => Number(user !== undefined);
  if (start.lane === "arithmetic") return (await import("../tail.ts")).spin;
  if (start.lane === "client") {
    const { Client } = await import("../lanes.ts");
    const { fillClient } = await import("./crowd.ts");
    const client = new Client({ flags: start.flags, users: { logical: [], contexts } });
    fillClient(client, start.members);
    return (index) => {
      const answers = client.evaluate(index % contexts.length);
      for (const key in answers) add(answers[key]);
      return 1;
    };
  }
  const { Engine } = await import("halyard/engine");
  const isShared = start.lane === "shared";
  const engine = isShared ? Engine.attach(start.handle) : Engine.loadSync(start.image);
  if (!isShared && start.members) {
    const { fillEngine } = await import("./crowd.ts");
    fillEngine(engine, start.members);
  }
  const keys = engine.flagKeys;
  return (index, context) => {
    const variants = engine.evaluateAll(context);
    if (reads === "all") variants.forEach(add);
    else add(variants.get(keys[index % keys.length]));
    return 1;
  };
}

async function answerSome(ask: Ask, calls: number): Promise<number> {
  const bodies = contexts.map((context) => JSON.stringify(context));
  for (let i = 0; i < calls && lane.lane !== "idle"; i++) {
    sum += ask(next, JSON.parse(bodies[next % bodies.length]));
    next++;
  }
  await collect();
  return sum;
}

function askNext(ask: Ask): void {
  sum += ask(next, contexts[next % contexts.length]);
  next++;
}

function count(ask: Ask, window: number): Count {
  const begun = performance.now();
  const first = next;
  let now = begun;
  for (; now - begun < window; now = performance.now()) {
    for (let i = 0; i < CALLS_PER_LOOK; i++) askNext(ask);
  }
  return { calls: next - first, time: now - begun };
}

function timeEach(ask: Ask, window: number): Times {
  if (times.length === 0) times = new Float64Array(TIMES_MAX).fill(0);
  const begun = performance.now();
  let calls = 0;
  for (let now = begun; now - begun < window && calls < TIMES_MAX; calls++) {
    askNext(ask);
    const ended = performance.now();
    times[calls] = ended - now;
    now = ended;
  }
  const sorted = times.subarray(0, calls).sort();
  const at = (share: number) => sorted[Math.floor(share * (calls - 1))] * MS_TO_NS;
  return { calls, median: at(0.5), p999: at(0.999), longest: at(1) };
}

const ask = await askerOf(lane);
parentPort!.on("message", async (request: Request) => {
  if (request.what === "calls") parentPort!.postMessage(await answerSome(ask, request.calls));
  else {
    const measureBy = request.what === "count" ? count : timeEach;
    parentPort!.postMessage(measureBy(ask, request.window));
  }
});
parentPort!.postMessage("ready");
