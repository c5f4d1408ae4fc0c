// The protocol by which a store changes under its readers, described at the head of
// assembly/store-layout.ts: no order of steps breaks a promise. That this test could fail is shown
// by protocols with one fault each. A failure prints the shortest way there: per line one step, and
// what it has changed.
import { expect, test } from "vitest";
import { HOLD_BUSY, HOLD_ENTERING, HOLD_IDLE } from "../assembly/store-layout.ts";
import {
  copyOf,
  explore,
  has,
  type OwnerStep,
  PROTOCOL,
  type Promises,
  type Protocol,
  type Reader,
  type ReaderStep,
  type ReaderTurn,
  rests,
  type Setting,
  type State,
  type Turn,
  without,
} from "./protocol-model.ts";

const EVALUATION_STEPS_MAX = 6; // R1 to R6
const PUBLICATION_STEPS = 3; // write, W1, W3
const SCAN_STEPS_MAX = 2; // per seat: its state and its hold

const USUAL: Setting = {
  images: [0, 1, 1, 2], // of r1 and r2 the same
  cohorts: [false, true, true, true],
  readers: 2,
  leaving: false,
  deaths: false,
  hostReads: true,
};

// ── what is promised ────────────────────────────────────────────────────────────────────────

/** What a thread that may read now would misread. Reading changes nothing, so it is no step. */
function misreading(setting: Setting, state: State, { next, root }: Reader): string | undefined {
  const isIdle = next === "R1" && setting.hostReads;
  const isEvaluating = next === "R6" || next === "R5" || next === "C4";
  if (!isIdle && !isEvaluating) return undefined;
  if (!has(state.roots, root)) {
    const address = state.addresses[root];
    const heir = state.addresses.findIndex(
      (at, other) => at === address && has(state.roots, other),
    );
    return `reads root r${root} at ${address}, which ${heir < 0 ? "is free" : `r${heir} has now`}`;
  }
  if (!has(state.images, setting.images[root])) return `reads the image of r${root}, which is free`;
  const hasNoTables = setting.cohorts[root] && !has(state.tables, root);
  return isEvaluating && hasNoTables ? `reads the tables of r${root}, which are free` : undefined;
}

function brokenByReader(setting: Setting, state: State, reader: Reader): string | undefined {
  if (reader.steps > EVALUATION_STEPS_MAX) return "does not come to an end";
  const misread = misreading(setting, state, reader);
  if (misread || reader.next !== "R6" || reader.root >= reader.oldest) return misread;
  return `evaluates by r${reader.root} after r${reader.oldest}`;
}

/** What stays after one more scan, while every reader is idle, gone or dead, though it need not. */
function leak(setting: Setting, state: State, protocol: Protocol): string | undefined {
  const holds = state.seats.map(({ taken, hold }) => (taken ? hold : 0));
  const left = holds.filter((_, seat) => state.readers[seat].next === "dead");
  if (left.includes(HOLD_ENTERING)) return undefined; // It may have been about to hold anything.
  const after = copyOf(state);
  after.owner.scanned = [...holds];
  protocol.owner.W3({ setting, state: after });
  let images = after.images;
  for (const [version, address] of after.addresses.entries()) {
    const isCurrent = version === after.current;
    const diedBusy = left.includes(address | HOLD_BUSY);
    const isHeld = isCurrent || diedBusy || holds.includes(address | HOLD_IDLE);
    if (has(after.tables, version) && !isCurrent && !diedBusy) return `keeps tables of r${version}`;
    if (has(after.roots, version) && !isHeld) return `keeps root r${version}`;
    if (has(after.roots, version)) images = without(images, setting.images[version]);
  }
  return images === 0 ? undefined : "keeps an image without a root";
}

function promisesOf(protocol: Protocol): Promises {
  return (setting, state) => {
    for (const [index, reader] of state.readers.entries()) {
      const broken = brokenByReader(setting, state, reader);
      if (broken) return `reader ${index} ${broken}`;
    }
    const stepsMax = PUBLICATION_STEPS + SCAN_STEPS_MAX * state.seats.length;
    if (state.owner.steps > stepsMax) return "the owner does not come to an end";
    if (state.owner.next !== "done" || !state.readers.every(rests)) return undefined;
    const leaked = leak(setting, state, protocol);
    return leaked && `the owner ${leaked}`;
  };
}

// ── the protocol keeps it ───────────────────────────────────────────────────────────────────

const DYING = { leaving: true, deaths: true };
const SIX_VERSIONS = {
  images: [0, 1, 1, 2, 3, 4, 4],
  cohorts: [false, true, true, false, true, true, true],
};
const WITHOUT_COHORTS = { cohorts: [false, false, false, false] };

test.each<[string, Partial<Setting>]>([
  ["two versions share an image", {}],
  ["an image for each version", { images: [0, 1, 2, 3] }],
  ["no cohorts", WITHOUT_COHORTS],
  ["two versions with cohorts, and one without", { cohorts: [false, true, false, true] }],
  ["readers that come and go", { leaving: true }],
  ["readers that come, go and die", DYING],
  ["the same without cohorts", { ...WITHOUT_COHORTS, ...DYING }],
  // One is enough for many versions: readers do not see each other.
  ["one reader, six versions", { ...SIX_VERSIONS, ...DYING, readers: 1 }],
])("no order of steps breaks a promise: %s", (_, special) => {
  const setting = { ...USUAL, ...special };
  const { states, broken, trace } = explore(setting, PROTOCOL, promisesOf(PROTOCOL));
  expect(broken, trace.join("\n")).toBeUndefined();
  expect(states).toBeGreaterThan(5000);
});

// ── and each fault is found ─────────────────────────────────────────────────────────────────

interface Fault {
  readonly reader?: Partial<Protocol["reader"]>;
  readonly owner?: Partial<Protocol["owner"]>;
  readonly setting?: Partial<Setting>;
}

const { reader: asReader, owner: asOwner } = PROTOCOL;

/** A step after which another one than usual follows. */
function readerVia(step: ReaderStep, usual: ReaderStep, next: ReaderStep) {
  return (turn: ReaderTurn): void => {
    asReader[step](turn);
    if (turn.reader.next === usual) turn.reader.next = next;
  };
}

function ownerVia(step: OwnerStep, usual: OwnerStep, next: OwnerStep) {
  return (turn: Turn): void => {
    asOwner[step](turn);
    if (turn.state.owner.next === usual) turn.state.owner.next = next;
  };
}

/** A scan that takes some holds for none. */
function overlooking(stance: number): Partial<Protocol["owner"]> {
  return {
    "W2 hold": (turn) => {
      asOwner["W2 hold"](turn);
      const { owner } = turn.state;
      owner.scanned = owner.scanned.map((hold) => ((hold & HOLD_ENTERING) === stance ? 0 : hold));
    },
  };
}

const R2_THEN_R1 = { R1: readerVia("R2", "R6", "R2"), R2: readerVia("R1", "R2", "R6") };
const R4_THEN_R3 = {
  R2: readerVia("R2", "R3", "R4"),
  R4: readerVia("R4", "R5", "R3"),
  R3: readerVia("R3", "R4", "R5"),
};
const C3_THEN_C2 = {
  C1: readerVia("C1", "C2", "C3"),
  C3: readerVia("C3", "C4", "C2"),
  C2: readerVia("C2", "C3", "C4"),
};
const C3_THEN_C2_THEN_C1 = {
  C1: readerVia("C3", "C4", "C2"),
  C3: readerVia("C1", "C2", "C4"),
};
const W2_THEN_W1 = {
  write: ownerVia("write", "W1", "W2 state"),
  "W2 state": ownerVia("W2 state", "W3", "W1"),
  "W2 hold": ownerVia("W2 hold", "W3", "W1"),
  W1: ownerVia("W1", "W2 state", "W3"),
};

function endWithoutStore({ reader }: ReaderTurn): void {
  reader.next = "R1";
}

function letGo(turn: ReaderTurn): void {
  asReader.R3(turn);
  turn.seat.hold = 0;
}

function waitForEntering(turn: Turn): void {
  const { owner, seats } = turn.state;
  if (seats[owner.seat].hold !== HOLD_ENTERING) asOwner["W2 hold"](turn);
}

function freeImagesOfFreeRoots(turn: Turn): void {
  const { setting, state } = turn;
  asOwner.W3(turn);
  for (let version = 1; version < state.current; version++) {
    if (!has(state.roots, version)) state.images = without(state.images, setting.images[version]);
  }
}

function freeOnlyPrevious(turn: Turn): void {
  const { state } = turn;
  const kept = without(state.roots, state.current - 1);
  asOwner.W3(turn);
  state.roots |= kept;
}

test.each<[string, Fault, string]>([
  ["R1 is left out", { reader: { R1: asReader.R2 } }, "reads the tables of r1, which are free"],
  ["R2 comes before R1", { reader: R2_THEN_R1 }, "reads the tables of r1, which are free"],
  ["R2 is left out", { reader: { R1: readerVia("R1", "R2", "R6") } }, "evaluates by r1 after r2"],
  ["R3 is left out", { reader: { R2: readerVia("R2", "R3", "R4") } }, "r2 at 32, which is free"],
  [
    "R3 is left out, without cohorts",
    { reader: { R1: readerVia("R1", "R3", "R4") }, setting: WITHOUT_COHORTS },
    "reads root r2 at 32, which is free",
  ],
  ["R3 lets go of all", { reader: { R3: letGo } }, "reads root r2 at 32, which is free"],
  ["R4 comes before R3", { reader: R4_THEN_R3 }, "reads root r2 at 32, which is free"],
  [
    "R5 is left out, without cohorts",
    { reader: { R4: readerVia("R4", "R5", "R6") }, setting: WITHOUT_COHORTS },
    "keeps root r2",
  ],
  ["R5 goes back to R2", { reader: { R5: readerVia("R5", "R6", "R2") } }, "come to an end"],
  ["R6 stores nothing", { reader: { R6: endWithoutStore } }, "keeps tables of r2"],
  ["C2 is left out", { reader: { C1: readerVia("C1", "C2", "C3") } }, "r1 at 16, which is free"],
  ["C3 comes before C2", { reader: C3_THEN_C2 }, "reads root r1 at 16, which is free"],
  ["C1 comes last", { reader: C3_THEN_C2_THEN_C1 }, "reads root r1 at 16, which is free"],
  ["W2 comes before W1", { owner: W2_THEN_W1 }, "reads root r1 at 16, which is free"],
  ["W2 overlooks ENTERING", { owner: overlooking(HOLD_ENTERING) }, "r1 at 16, which is free"],
  ["W2 overlooks BUSY", { owner: overlooking(HOLD_BUSY) }, "reads root r1 at 16, which is free"],
  ["W2 overlooks IDLE", { owner: overlooking(HOLD_IDLE) }, "reads root r1 at 16, which is free"],
  [
    "W2 overlooks IDLE, and the host does not read",
    { owner: overlooking(HOLD_IDLE), setting: { hostReads: false } },
    "reads root r1 at 16, which r3 has now",
  ],
  ["W2 waits for ENTERING", { owner: { "W2 hold": waitForEntering } }, "come to an end"],
  ["W3 forgets who shares", { owner: { W3: freeImagesOfFreeRoots } }, "reads the image of r2"],
  ["W3 sees one older root only", { owner: { W3: freeOnlyPrevious } }, "keeps root r1"],
])("a promise is broken when %s", (_, fault, expected) => {
  const faulty: Protocol = {
    reader: { ...asReader, ...fault.reader },
    owner: { ...asOwner, ...fault.owner },
  };
  const setting = { ...USUAL, ...fault.setting };
  const { broken, trace } = explore(setting, faulty, promisesOf(faulty));
  expect(broken ?? "nothing is broken", trace.join("\n")).toContain(expected);
  expect(trace.length).toBeGreaterThan(1);
});
