// A seat: a session's memory, and what it asks the owner not to free (assembly/store-layout.ts).

import { U32 } from "../../assembly/layout.ts";
import {
  HOLD_BUSY,
  HOLD_ENTERING,
  HOLD_IDLE,
  SEAT_COUNT_MAX,
  SEAT_HOLD,
  SEAT_LIFE_COUNT,
  SEAT_LIVES,
  SEAT_REGION,
  SEAT_REGION_SIZE,
  SEAT_SIZE,
  SEAT_STATE,
  SEAT_WAITERS,
  STORE,
  STORE_CURRENT,
  STORE_PROBE,
  STORE_SEAT_COUNT,
  STORE_SEATS,
} from "../../assembly/store-layout.ts";
import { PAGE_SIZE } from "./core.ts";
import { CoreError } from "./errors.ts";
import { type Memory, pagesFor } from "./memory.ts";
import type { SessionPlace } from "./session-place.ts";

/** So often others can find out that a thread is alive, until it has begun to wait again. */
const WAITERS = 24;
/** Of these, for the owner alone, who asks ever more rarely (store.ts). */
const WAITERS_OF_OWNER = 16;
/** So many seats are asked for a sign of life by who looks for one. */
const PROBES_MAX = 4;

/** Where sessions get their memory from. */
export interface Room {
  /** What to allocate for so many bytes, instead of `old` bytes that are too few. */
  sizeFor(bytes: number, old: number): number;
  allocate(bytes: number): number;
  free(address: number, bytes: number): void;
}

/**
 * Of a thread that does not own the store: it adds to the memory what it needs. What a session
 * outgrows is lost, less than what it has then, as each region is at least twice the last.
 */
export class GrownRoom implements Room {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  sizeFor(bytes: number, old: number): number {
    return pagesFor(Math.max(bytes, old * 2)) * PAGE_SIZE;
  }

  allocate(bytes: number): number {
    return this.#memory.add(bytes);
  }

  free(): void {}
}

function stateAt(memory: Memory, seat: number): number {
  return Atomics.load(memory.views.i32, (seat + SEAT_STATE) >>> 2);
}

/** Addresses of the seats that have ever been taken. */
export function seatsOf(memory: Memory): number[] {
  const count = Atomics.load(memory.views.i32, (STORE + STORE_SEAT_COUNT) >>> 2);
  // One too many for a moment, where somebody finds that there is none left.
  return Array.from(
    { length: Math.min(count, SEAT_COUNT_MAX) },
    (_, index) => STORE + STORE_SEATS + index * SEAT_SIZE,
  );
}

/** What a seat names; 0 = nothing, also for one that is not taken. */
export function holdAt(memory: Memory, seat: number): number {
  const isTaken = (stateAt(memory, seat) & 1) === 1;
  return isTaken ? Atomics.load(memory.views.i32, (seat + SEAT_HOLD) >>> 2) >>> 0 : 0;
}

/** Index of the word on which the thread waits that has the seat since `state`. */
function lifeIndex(seat: number, state: number): number {
  return (seat + SEAT_LIVES + ((state >>> 1) % SEAT_LIFE_COUNT) * U32) >>> 2;
}

/**
 * Whether the thread that has had a seat since `state` has surely ended: of the waiters that it
 * began, and nobody has claimed, none is there. Each time one is claimed and woken; who lives
 * begins another. False if there are no more than `spare` to be claimed.
 */
function isDead({ views: { i32 } }: Memory, seat: number, state: number, spare: number): boolean {
  const waiters = (seat + SEAT_WAITERS) >>> 2;
  const word = Atomics.load(i32, waiters);
  if (word >>> 8 !== (state & 0xffffff) || (word & 0xff) <= spare) return false;
  if (Atomics.compareExchange(i32, waiters, word, word - 1) !== word) return false;
  return Atomics.notify(i32, lifeIndex(seat, state), 1) === 0;
}

/** Takes a seat from a thread that has ended, or gives it back; false = it has not ended. */
function succeed(memory: Memory, seat: number, next: number, spare: number): boolean {
  const state = stateAt(memory, seat);
  if ((state & 1) === 0 || !isDead(memory, seat, state, spare)) return false;
  const { i32 } = memory.views;
  return Atomics.compareExchange(i32, (seat + SEAT_STATE) >>> 2, state, state + next) === state;
}

/** Gives a seat of a thread that has ended back; for the owner. */
export function vacate(memory: Memory, seat: number): boolean {
  return succeed(memory, seat, 1, 0);
}

export class Seat implements SessionPlace {
  readonly address: number;
  readonly #memory: Memory;
  readonly #room: Room;
  readonly #isWatched: boolean;
  /** While the thread has it. */
  readonly #state: number;
  #region: number;
  #regionSize: number;
  #root = 0;
  #isLeft = false;

  /**
   * Takes a free seat, one of a thread that has ended, or a new one; it holds nothing.
   *
   * @param isWatched - whether others may find out that this thread has ended
   * @throws {@link CoreError} if all are taken
   */
  constructor(memory: Memory, room: Room, isWatched: boolean) {
    this.#memory = memory;
    this.#room = room;
    this.#isWatched = isWatched;
    this.address = takeSeat(memory);
    this.#state = stateAt(memory, this.address);
    this.letGo();
    this.#region = memory.views.u32[this.#index(SEAT_REGION)];
    this.#regionSize = memory.views.u32[this.#index(SEAT_REGION_SIZE)];
    // Of another thread, maybe, which has added that memory.
    memory.reach(this.#region + this.#regionSize);
    Atomics.store(memory.views.i32, this.#index(SEAT_WAITERS), this.#state << 8);
    this.#wait();
  }

  /** Address of the session's memory. */
  get region(): number {
    return this.#region;
  }

  get regionSize(): number {
    return this.#regionSize;
  }

  /** The root that the store has published last. Until the next hold nothing at all is freed. */
  enter(): number {
    const { i32 } = this.#memory.views;
    Atomics.store(i32, this.#index(SEAT_HOLD), HOLD_ENTERING);
    return Atomics.load(i32, (STORE + STORE_CURRENT) >>> 2) >>> 0;
  }

  /** The root that was entered, its image and its tables are not freed. */
  hold(root: number): void {
    this.#setHold(root, HOLD_BUSY);
    this.#wait();
  }

  /** As {@link hold}, but for the tables. */
  rest(root: number): void {
    this.#setHold(root, HOLD_IDLE);
  }

  letGo(): void {
    this.#setHold(0, 0);
  }

  #setHold(root: number, hold: number): void {
    this.#root = root;
    Atomics.store(this.#memory.views.i32, this.#index(SEAT_HOLD), root + hold);
  }

  /** For other threads to take; its memory stays with it. */
  leave(): void {
    this.letGo();
    this.#isLeft = true;
    const { i32 } = this.#memory.views;
    // Its waiters are not to be taken for those of the next.
    Atomics.store(i32, this.#index(SEAT_WAITERS), 0);
    Atomics.notify(i32, lifeIndex(this.address, this.#state));
    Atomics.add(i32, this.#index(SEAT_STATE), 1);
  }

  /** Writes what the seat says anew, into memory in which nothing can be trusted. */
  restore(): void {
    const { i32, u32 } = this.#memory.views;
    const count = (STORE + STORE_SEAT_COUNT) >>> 2;
    i32[count] = Math.max(i32[count], (this.address - STORE - STORE_SEATS) / SEAT_SIZE + 1);
    i32[this.#index(SEAT_STATE)] = this.#state;
    u32[this.#index(SEAT_REGION)] = this.#region;
    u32[this.#index(SEAT_REGION_SIZE)] = this.#regionSize;
    if (this.#root) this.rest(this.#root);
  }

  /**
   * After this the region has at least `bytes`, of which the first `used` are as they were.
   *
   * @throws {@link ContextError} if there is no room
   */
  reserve(bytes: number, used: number): void {
    if (bytes <= this.#regionSize) return;
    const [old, oldSize] = [this.#region, this.#regionSize];
    const size = this.#room.sizeFor(bytes, oldSize);
    const region = this.#room.allocate(size);
    const { u8, u32 } = this.#memory.views;
    u8.copyWithin(region, old, old + used);
    this.#region = region;
    this.#regionSize = size;
    u32[this.#index(SEAT_REGION)] = region;
    u32[this.#index(SEAT_REGION_SIZE)] = size;
    this.#room.free(old, oldSize);
  }

  /** Begins as many waiters as others have claimed. */
  #wait(): void {
    if (!this.#isWatched || this.#isLeft || !("waitAsync" in Atomics)) return;
    const { i32 } = this.#memory.views;
    const waiters = this.#index(SEAT_WAITERS);
    for (let missing = WAITERS - (Atomics.load(i32, waiters) & 0xff); missing > 0; missing--) {
      const { value } = Atomics.waitAsync(i32, lifeIndex(this.address, this.#state), 0);
      Atomics.add(i32, waiters, 1);
      if (typeof value !== "string") void value.then(() => this.#wait());
    }
  }

  /** Of a field, among 32-bit words. */
  #index(field: number): number {
    return (this.address + field) >>> 2;
  }
}

/** A free seat, one of a thread that has ended, or a new one. */
function takeSeat(memory: Memory): number {
  const seats = seatsOf(memory);
  const free = seats.find((seat) => takeFree(memory, seat));
  if (free !== undefined) return free;
  const dead = succeedOne(memory, seats, PROBES_MAX, WAITERS_OF_OWNER);
  if (dead !== undefined) return dead;
  const { i32 } = memory.views;
  const count = (STORE + STORE_SEAT_COUNT) >>> 2;
  if (Atomics.add(i32, count, 1) < SEAT_COUNT_MAX) return takeSeat(memory);
  Atomics.sub(i32, count, 1);
  const last = succeedOne(memory, seats, seats.length, 0);
  if (last !== undefined) return last;
  throw new CoreError("no-seat", `expected at most ${SEAT_COUNT_MAX} evaluations at a time`);
}

function takeFree(memory: Memory, seat: number): boolean {
  const state = stateAt(memory, seat);
  if (state & 1) return false;
  const { i32 } = memory.views;
  return Atomics.compareExchange(i32, (seat + SEAT_STATE) >>> 2, state, state + 1) === state;
}

/** Takes the seat of a thread that has ended, if one is among the next so many; in turn. */
function succeedOne(
  memory: Memory,
  seats: readonly number[],
  probes: number,
  spare: number,
): number | undefined {
  const count = Math.min(probes, seats.length);
  const first = Atomics.add(memory.views.i32, (STORE + STORE_PROBE) >>> 2, count) >>> 0;
  for (let i = 0; i < count; i++) {
    const seat = seats[(first + i) % seats.length];
    if (succeed(memory, seat, 2, spare)) return seat;
  }
  return undefined;
}
