// Pauses of the garbage collector while a process holds millions of members.
import { constants, type NodeGCPerformanceDetail, PerformanceObserver } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { factor, time } from "../figure.ts";
import type { Section } from "../findings.ts";
import { makeUsers } from "../fixture.ts";
import { pour, spreadOf } from "../measure.ts";
import { askChild } from "./child.ts";
import { type Crowd, userIdOf } from "./crowd.ts";
import { collect } from "./footprint.ts";
import { HOLDERS, type Holder, type HolderName, makeHolder } from "./holder.ts";
import { crowdText, type Part, type Progress, type Scale } from "./part.ts";

interface Spec {
  /** Undefined: nobody holds anything. */
  holder: HolderName | undefined;
  crowd: Crowd;
  requests: number;
}

/** Milliseconds. */
interface Paused {
  longestPause: number;
  allPauses: number;
  pauses: number;
  /** Of them, of the whole heap. */
  major: number;
  longestRequest: number;
  time: number;
}

/** So that some seconds fill it: in all processes alike, and Sets of 10 million leave half. */
const HEAP_MEGABYTES = 2048;
const USERS = 1024;
/** Answers that live on for a while, as in a cache. */
const KEPT = 20_000;
/** Every how many requests: most answers die young. */
const KEPT_EVERY = 4;
const ITEMS = 20;
/** Between two turns of the event loop, in which the observer hears of collections. */
const REQUESTS_PER_TURN = 500;
const MS_TO_NS = 1e6;
const NOTHING = "nothing";

function bodiesOf(crowd: Crowd): string[] {
  let user = 0;
  const { logical } = makeUsers(12, USERS, () => ({ user_id: userIdOf(user++, crowd) }));
  return logical.map((entry) => JSON.stringify(entry));
}

/** Parses a body, asks for one cohort, answers, and keeps the answer in the place of an old one. */
function makeHandler({ crowd }: Spec, holder: Holder | undefined): (index: number) => number {
  const bodies = bodiesOf(crowd);
  const kept: object[] = [];
  return (index) => {
    const user = JSON.parse(bodies[index % bodies.length]);
    const isMember = holder?.has(index % crowd.cohorts, user.user_id) ?? false;
    const items = Array.from({ length: ITEMS }, (_, i) => ({ id: index + i, name: `item ${i}` }));
    const answer = { ...user, isMember, items };
    if (index % KEPT_EVERY === 0) kept[(index / KEPT_EVERY) % KEPT] = answer;
    return JSON.stringify(answer).length;
  };
}

export async function inChild(spec: Spec): Promise<Paused> {
  const holder = spec.holder && makeHolder(spec.holder, spec.crowd);
  holder?.fill();
  const handle = makeHandler(spec, holder);
  const warmup = Math.min(KEPT * KEPT_EVERY, spec.requests);
  for (let index = 0; index < warmup; index++) pour(handle(index));
  await collect();
  const pauses: number[] = [];
  let major = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      pauses.push(entry.duration);
      const { detail } = entry as unknown as { detail: NodeGCPerformanceDetail };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) major++;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  let longestRequest = 0;
  const begun = performance.now();
  for (let index = 0; index < spec.requests; index++) {
    if (index % REQUESTS_PER_TURN === 0) await setImmediate();
    const asked = performance.now();
    pour(handle(index));
    longestRequest = Math.max(longestRequest, performance.now() - asked);
  }
  const ended = performance.now();
  await setImmediate();
  await setImmediate();
  observer.disconnect();
  return {
    longestPause: Math.max(0, ...pauses),
    allPauses: pauses.reduce((sum, pause) => sum + pause, 0),
    pauses: pauses.length,
    major,
    longestRequest,
    time: ended - begun,
  };
}

function sectionOf(found: ReadonlyMap<string, Paused[]>, scale: Scale): Section {
  const medianOf = (name: string, field: keyof Paused) =>
    spreadOf(found.get(name)!.map((paused) => paused[field])).median;
  const text =
    `${scale.requests.toLocaleString("en-US")} requests in a process that holds ` +
    `${crowdText(scale.crowd)} members: each parses a user, asks for one cohort, builds an ` +
    `answer and writes it as JSON; every ${KEPT_EVERY}th answer lives on, ` +
    `${KEPT.toLocaleString("en-US")} of them at a time. Old generation: at most ` +
    `${HEAP_MEGABYTES} MB. Pauses: gc entries of perf_hooks. A fresh process each; medians of ` +
    `${scale.repeats}. Ratio: longest pause by that with Halyard.`;
  return {
    title: "Pauses of the garbage collector",
    text,
    table: {
      header: [
        "Pauses: held in",
        "Longest pause",
        "Ratio",
        "Pauses",
        "Major",
        "All pauses",
        "Longest request",
        "All requests",
      ],
      figuresFrom: 1,
      lines: [...found.keys()].map((name) => {
        const duration = (field: keyof Paused) => time(medianOf(name, field) * MS_TO_NS);
        const ratio = medianOf(name, "longestPause") / medianOf("Halyard", "longestPause");
        return [
          name,
          duration("longestPause"),
          Number.isFinite(ratio) ? factor(ratio) : "",
          medianOf(name, "pauses").toLocaleString("en-US"),
          medianOf(name, "major").toLocaleString("en-US"),
          duration("allPauses"),
          duration("longestRequest"),
          duration("time"),
        ];
      }),
    },
  };
}

export async function measurePauses(scale: Scale, progress: Progress): Promise<Part> {
  const { crowd, requests, repeats } = scale;
  const names = [...HOLDERS, NOTHING] as const;
  const found = new Map<string, Paused[]>(names.map((name) => [name, []]));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const name of names) {
      progress(`pauses: ${name}, ${repeat + 1} of ${repeats}`);
      const spec: Spec = { holder: name === NOTHING ? undefined : name, crowd, requests };
      const heapMegabytes = HEAP_MEGABYTES;
      const paused = await askChild<Spec, Paused>({ file: import.meta.url, spec, heapMegabytes });
      found.get(name)!.push(paused);
    }
  }
  return { sections: [sectionOf(found, scale)], verdicts: [], rows: [] };
}
