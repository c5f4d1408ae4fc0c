// M1: bytes per member, in Halyard and in Sets; a fresh process for each measurement.
import type { Verdict } from "../check.ts";
import { size } from "../figure.ts";
import type { Section } from "../findings.ts";
import { spreadOf } from "../measure.ts";
import { askChild } from "./child.ts";
import { type Crowd, userIdOf } from "./crowd.ts";
import { growthOf, settledFootprint } from "./footprint.ts";
import { HOLDERS, type HolderName, makeHolder } from "./holder.ts";
import { crowdText, type Part, type Progress, type Scale } from "./part.ts";

interface Spec {
  holder: HolderName;
  crowd: Crowd;
}

/** Bytes that the members have added. */
interface Held {
  resident: number;
  heap: number;
  core: number;
  /** Of the core's memory, with what was there before. */
  coreTotal: number;
}

const HEAP_MEGABYTES = 4096;
const BYTES_PER_MEMBER = 24;
const TOTAL_BYTES = 260e6;
const USERS_ASKED = 1000;

/** Whether every second user is a member, and no other. */
function checkMembers({ crowd, holder: name }: Spec, has: (c: number, id: string) => boolean) {
  for (let user = 0; user < USERS_ASKED; user++) {
    const id = userIdOf(user, crowd);
    let count = 0;
    for (let cohort = 0; cohort < crowd.cohorts; cohort++) count += Number(has(cohort, id));
    if (count !== 1 - (user % 2)) throw new Error(`${name}: user ${user} is in ${count} cohorts`);
  }
}

export async function inChild(spec: Spec): Promise<Held> {
  const holder = makeHolder(spec.holder, spec.crowd);
  const coreBefore = holder.coreBytes;
  const before = await settledFootprint();
  holder.fill();
  const held = growthOf(before, await settledFootprint());
  // Afterwards, so that nothing is collected as unused.
  checkMembers(spec, holder.has);
  const coreTotal = holder.coreBytes;
  return { ...held, core: coreTotal - coreBefore, coreTotal };
}

/** Field by field the median. */
function medianOf(measured: readonly Held[]): Held {
  const of = (field: keyof Held) => spreadOf(measured.map((held) => held[field])).median;
  return {
    resident: of("resident"),
    heap: of("heap"),
    core: of("core"),
    coreTotal: of("coreTotal"),
  };
}

function sectionOf(found: ReadonlyMap<HolderName, Held>, { crowd, repeats }: Scale): Section {
  const all = crowd.cohorts * crowd.members;
  const perMember = (amount: number) => (amount / all).toFixed(1);
  const text =
    `${crowdText(crowd)} distinct ids of 36 bytes, read from a generator; what they add, in ` +
    `bytes per member, to a process that has collected its garbage. A fresh process each; ` +
    `median of ${repeats}. Core: memory of the WebAssembly core, spare capacity included.`;
  return {
    title: "Memory of members",
    text,
    table: {
      header: ["M1", "Core", "JS heap", "Resident", "Core in all", "Resident in all"],
      figuresFrom: 1,
      lines: [...found].map(([name, { resident, heap, core, coreTotal }]) => [
        name,
        core === 0 ? "" : perMember(core),
        perMember(heap),
        perMember(resident),
        coreTotal === 0 ? "" : size(coreTotal),
        size(resident),
      ]),
    },
  };
}

function verdictsOf({ core, coreTotal }: Held, { crowd }: Scale): Verdict[] {
  const perMember = core / (crowd.cohorts * crowd.members);
  return [
    {
      row: "M1",
      what: "Halyard, bytes of the core per member",
      expected: `at most ${BYTES_PER_MEMBER}`,
      got: perMember.toFixed(1),
      met: perMember <= BYTES_PER_MEMBER,
    },
    {
      row: "M1",
      what: "Halyard, the core in all",
      expected: `under ${size(TOTAL_BYTES)}`,
      got: size(coreTotal),
      met: coreTotal < TOTAL_BYTES,
    },
  ];
}

export async function measureMembers(scale: Scale, progress: Progress): Promise<Part> {
  const measured = new Map<HolderName, Held[]>(HOLDERS.map((name) => [name, []]));
  for (let repeat = 0; repeat < scale.repeats; repeat++) {
    for (const holder of HOLDERS) {
      progress(`M1: ${holder}, ${repeat + 1} of ${scale.repeats}`);
      const spec: Spec = { holder, crowd: scale.crowd };
      const heapMegabytes = HEAP_MEGABYTES;
      const held = await askChild<Spec, Held>({ file: import.meta.url, spec, heapMegabytes });
      measured.get(holder)!.push(held);
    }
  }
  const found = new Map([...measured].map(([name, all]) => [name, medianOf(all)]));
  const verdicts = verdictsOf(found.get("Halyard")!, scale);
  return { sections: [sectionOf(found, scale)], verdicts, rows: [] };
}
