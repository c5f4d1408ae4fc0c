// A model of the protocol by which a store changes under its readers, and a search through all that
// can happen in it. Steps bear the names that they have at the head of assembly/store-layout.ts.
// One atomic load or store is one step, and steps of different threads interleave at will, as the
// atomics of the core are sequentially consistent. The model knows by version, from 1, who reads
// what; its threads compare and store addresses, which are used again once free.

import { HOLD_BUSY, HOLD_ENTERING, HOLD_IDLE } from "../assembly/store-layout.ts";

const ALIGNMENT = 16; // of roots: more than any of HOLD_*
const NO_HOLD = 0;
const NO_VERSION = 0;

/** What a model consists of. Lists by version begin with an unused 0th. */
export interface Setting {
  readonly images: readonly number[]; // by version; two may share one
  readonly cohorts: readonly boolean[]; // by version: whether its root has tables
  readonly readers: number; // all without a seat in the beginning
  readonly leaving: boolean; // whether a reader may leave its seat, and come back
  readonly deaths: boolean; // whether a reader may die, anywhere
  readonly hostReads: boolean; // whether the host reads images between evaluations
}

/** R1 = idle, R6 = evaluating, C1 = without a seat. C1 to C4 take a seat, L1 and L2 leave it. */
export type ReaderStep = `R${1 | 2 | 3 | 4 | 5 | 6}` | `C${1 | 2 | 3 | 4}` | "L1" | "L2" | "die";
export type OwnerStep = "write" | "W1" | "W2 state" | "W2 hold" | "W3";

export interface Reader {
  next: ReaderStep | "dead";
  root: number; // the version that it takes what it reads for
  steps: number; // done in this evaluation
  oldest: number; // version that this evaluation may use
}

export interface Seat {
  taken: boolean; // SEAT_STATE is odd
  hold: number;
}

export interface Owner {
  next: OwnerStep | "done";
  seat: number; // where the scan is
  scanned: number[]; // holds that the scan has read, by seat
  steps: number; // done for this publication
}

/** Sets are bit masks; freeing takes a bit away. */
export interface State {
  current: number; // version
  newest: number; // version written, maybe not yet published
  addresses: number[]; // of roots by version, also of those freed
  roots: number; // set of versions
  tables: number; // set of versions
  images: number; // set of images
  readers: Reader[];
  seats: Seat[]; // by reader
  owner: Owner;
}

/** What one step may touch. */
export type Turn = Pick<ReaderTurn, "setting" | "state">;
export interface ReaderTurn {
  readonly setting: Setting;
  readonly state: State;
  readonly reader: Reader;
  readonly seat: Seat;
}

/** A step changes the state, and says which one is next. */
export interface Protocol {
  readonly reader: Readonly<Record<ReaderStep, (turn: ReaderTurn) => void>>;
  readonly owner: Readonly<Record<OwnerStep, (turn: Turn) => void>>;
}

/** Says which promise a state breaks, if any. */
export type Promises = (setting: Setting, state: State) => string | undefined;

/** What came of a search. */
export interface Exploration {
  readonly states: number;
  readonly broken?: string; // promise
  readonly trace: readonly string[]; // the fewest steps that break it, each with what it changes
}

export const has = (set: number, member: number): boolean => (set & (1 << member)) !== 0;
export const without = (set: number, member: number): number => set & ~(1 << member);

const announceThen = (next: ReaderStep) => (turn: ReaderTurn) => {
  turn.seat.hold = HOLD_ENTERING;
  turn.reader.next = next;
};

const readCurrentThen = (next: ReaderStep) => (turn: ReaderTurn) => {
  turn.reader.root = turn.state.current;
  turn.reader.next = next;
};

/** The protocol as it is described. */
export const PROTOCOL: Protocol = {
  reader: {
    R1: (turn) => {
      const { setting, reader, seat, state } = turn;
      if (!setting.cohorts[reader.root]) return PROTOCOL.reader.R2(turn); // R1 is left out.
      seat.hold = state.addresses[reader.root] | HOLD_BUSY;
      reader.next = "R2";
    },
    R2: ({ state: { addresses, current }, reader }) => {
      reader.next = addresses[current] === addresses[reader.root] ? "R6" : "R3";
    },
    R3: announceThen("R4"),
    R4: readCurrentThen("R5"),
    R5: ({ setting, state, reader, seat }) => {
      const stance = setting.cohorts[reader.root] ? HOLD_BUSY : HOLD_IDLE;
      seat.hold = state.addresses[reader.root] | stance;
      reader.next = "R6";
    },
    R6: ({ setting, state, reader, seat }) => {
      if (setting.cohorts[reader.root]) seat.hold = state.addresses[reader.root] | HOLD_IDLE;
      reader.next = "R1";
    },
    C1: ({ reader, seat }) => {
      seat.taken = true;
      reader.next = "C2";
    },
    C2: announceThen("C3"),
    C3: readCurrentThen("C4"),
    C4: ({ state, reader, seat }) => {
      seat.hold = state.addresses[reader.root] | HOLD_IDLE;
      reader.next = "R1";
    },
    L1: ({ reader, seat }) => {
      seat.hold = NO_HOLD;
      reader.root = NO_VERSION;
      reader.next = "L2";
    },
    L2: ({ reader, seat }) => {
      seat.taken = false;
      reader.next = "C1";
    },
    die: ({ reader }) => {
      reader.root = NO_VERSION;
      reader.next = "dead";
    },
  },
  owner: {
    write: ({ setting, state }) => {
      const version = ++state.newest;
      state.addresses[version] = freeAddress(state);
      state.roots |= 1 << version;
      state.images |= 1 << setting.images[version];
      if (setting.cohorts[version]) state.tables |= 1 << version;
      state.owner.next = "W1";
    },
    W1: ({ state }) => {
      state.current = state.newest;
      state.owner.next = "W2 state";
    },
    "W2 state": ({ state }) => {
      if (state.seats[state.owner.seat].taken) state.owner.next = "W2 hold";
      else toNextSeat(state);
    },
    "W2 hold": ({ state }) => {
      state.owner.scanned[state.owner.seat] = state.seats[state.owner.seat].hold;
      toNextSeat(state);
    },
    // One step: that a thing is free shows only when it is read, and then it does for ever.
    W3: ({ setting, state }) => {
      if (!state.owner.scanned.includes(HOLD_ENTERING)) freeOlder(setting, state);
      state.owner.scanned.fill(NO_HOLD);
      state.owner.next = state.newest < setting.images.length - 1 ? "write" : "done";
    },
  },
};

function toNextSeat({ seats, owner }: State): void {
  owner.seat = (owner.seat + 1) % seats.length;
  owner.next = owner.seat === 0 ? "W3" : "W2 state";
}

/** The lowest, so that what has been freed is used again at once. */
function freeAddress(state: State): number {
  const used = state.addresses.filter((_, version) => has(state.roots, version));
  return state.addresses.map((_, at) => (at + 1) * ALIGNMENT).find((at) => !used.includes(at))!;
}

function freeOlder(setting: Setting, state: State): void {
  const { scanned } = state.owner;
  for (let version = 1; version < state.current; version++) {
    if (!has(state.roots, version)) continue;
    const address = state.addresses[version];
    if (!scanned.includes(address | HOLD_BUSY)) state.tables = without(state.tables, version);
    if (!scanned.some((hold) => (hold & -ALIGNMENT) === address)) freeRoot(setting, state, version);
  }
}

function freeRoot(setting: Setting, state: State, version: number): void {
  state.roots = without(state.roots, version);
  const image = setting.images[version];
  const isUsed = setting.images.some((other, at) => other === image && has(state.roots, at));
  if (!isUsed) state.images = without(state.images, image);
}

// ── all that can happen ─────────────────────────────────────────────────────────────────────

function firstState(setting: Setting): State {
  const outside: Reader = { next: "C1", root: NO_VERSION, steps: 0, oldest: NO_VERSION };
  const readers = Array.from({ length: setting.readers }, () => ({ ...outside }));
  const seats = readers.map(() => ({ taken: false, hold: NO_HOLD }));
  const owner: Owner = { next: "write", seat: 0, scanned: seats.map(() => NO_HOLD), steps: 0 };
  const memory = { addresses: setting.images.map(() => 0), roots: 0, tables: 0, images: 0 };
  const state: State = { current: 1, newest: 0, ...memory, readers, seats, owner };
  PROTOCOL.owner.write({ setting, state });
  owner.next = "write";
  return state;
}

/** A copy that shares nothing. */
export function copyOf(state: State): State {
  return {
    ...state,
    addresses: [...state.addresses],
    readers: state.readers.map((reader) => ({ ...reader })),
    seats: state.seats.map((seat) => ({ ...seat })),
    owner: { ...state.owner, scanned: [...state.owner.scanned] },
  };
}

function holdText(hold: number): string {
  if (hold === NO_HOLD || hold === HOLD_ENTERING) return hold === NO_HOLD ? "-" : "ENTERING";
  return `${hold & -ALIGNMENT}|${hold & HOLD_BUSY ? "BUSY" : "IDLE"}`;
}

function membersOf(set: number): string {
  let text = "";
  for (let member = 1; 1 << member <= set; member++) if (has(set, member)) text += ` ${member}`;
  return text;
}

/** What a trace shows; equal for equal states only. */
function textOf({ readers, seats, owner, addresses, ...state }: State): string {
  let text = `current r${state.current} of ${state.newest}; seats`;
  for (const { taken, hold } of seats) text += ` ${taken ? "" : "free "}${holdText(hold)}`;
  text += `; roots${membersOf(state.roots)} at ${addresses}; images${membersOf(state.images)}`;
  text += `; tables${membersOf(state.tables)}`;
  for (const [index, { next, root, steps, oldest }] of readers.entries()) {
    text += `; reader ${index} at ${next} with r${root}, ${steps} steps since r${oldest}`;
  }
  text += `; owner at ${owner.next}, seat ${owner.seat}, ${owner.steps} steps, has read`;
  for (const hold of owner.scanned) text += ` ${holdText(hold)}`;
  return text;
}

/** Whether a reader is between evaluations, or will do none any more. */
export const rests = ({ next }: Reader): boolean =>
  next === "R1" || next === "C1" || next === "dead";

/** Does a reader's step, and keeps what is known about it beside the protocol. */
function moveReader(turn: ReaderTurn, protocol: Protocol, step: ReaderStep): void {
  const { state, reader } = turn;
  if (step === "R1") reader.oldest = Math.max(reader.root, state.current);
  if (step.startsWith("R")) reader.steps++;
  protocol.reader[step](turn);
  if (rests(reader)) Object.assign(reader, { steps: 0, oldest: NO_VERSION });
}

/** What can come after a state, by the step that leads there. */
function successors(setting: Setting, protocol: Protocol, before: State): Map<string, State> {
  const after = new Map<string, State>();
  const { next } = before.owner;
  if (next !== "done") {
    const state = copyOf(before);
    state.owner.steps = next === "write" ? 1 : state.owner.steps + 1;
    protocol.owner[next]({ setting, state });
    after.set(`owner ${next}`, state);
  }
  for (const [index, { next }] of before.readers.entries()) {
    if (next === "dead") continue;
    const steps: ReaderStep[] = [next];
    if (setting.leaving && next === "R1") steps.push("L1");
    if (setting.deaths) steps.push("die");
    for (const step of steps) {
      const state = copyOf(before);
      const [reader, seat] = [state.readers[index], state.seats[index]];
      moveReader({ setting, state, reader, seat }, protocol, step);
      after.set(`reader ${index} ${step}`, state);
    }
  }
  return after;
}

/** Goes through all states, those of fewer steps first, until one breaks a promise. */
export function explore(setting: Setting, protocol: Protocol, brokenIn: Promises): Exploration {
  const first = firstState(setting);
  const origins = new Map([[textOf(first), { step: "", before: "" }]]);
  for (let frontier = new Map([[textOf(first), first]]); frontier.size > 0; ) {
    const found = new Map<string, State>();
    for (const [before, state] of frontier) {
      const broken = brokenIn(setting, state);
      if (broken) return { states: origins.size, broken, trace: traceTo(before, origins) };
      for (const [step, after] of successors(setting, protocol, state)) {
        const text = textOf(after);
        if (origins.has(text)) continue;
        origins.set(text, { step, before });
        found.set(text, after);
      }
    }
    frontier = found;
  }
  return { states: origins.size, trace: [] };
}

function traceTo(last: string, origins: Map<string, { step: string; before: string }>): string[] {
  const trace: string[] = [];
  for (let text = last; text; text = origins.get(text)!.before) {
    const { step, before } = origins.get(text)!;
    const changes = text.split("; ").filter((part) => !before.split("; ").includes(part));
    trace.unshift(`${step.padEnd(14)}  ${changes.join("; ")}`);
  }
  return trace;
}
