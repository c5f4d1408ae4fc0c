// A seat: a session's memory, and what it asks the owner not to free (assembly/store-layout.ts).

import {
  HOLD_BUSY,
  HOLD_ENTERING,
  HOLD_IDLE,
  SEAT_COUNT_MAX,
  SEAT_HOLD,
  SEAT_LIFE,
  SEAT_PROBES,
  SEAT_REGION,
  SEAT_REGION_SIZE,
  SEAT_SIZE,
  SEAT_STATE,
  SEAT_WAITERS,
  SEAT_WATCHED,
  STORE,
  STORE_CURRENT,
  STORE_SEAT_COUNT,
  STORE_SEATS,
} from "../../assembly/store-layout.ts";
import { CoreError } from "./errors.ts";
import { type Memory, PAGE_SIZE, pagesFor } from "./memory.ts";

/** So many threads can find out at once that one is alive, until it has begun to wait again. */
const WAITERS_MIN = 4;

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

/**
 * Whether the thread that has had a seat since `state` has surely ended: of the waiters that it
 * began, and nobody has woken, none is there. Each time one is woken; who lives begins another.
 */
function isDead({ views: { i32 } }: Memory, seat: number, state: number): boolean {
  if (Atomics.load(i32, (seat + SEAT_WATCHED) >>> 2) !== state) return false;
  const probes = (seat + SEAT_PROBES) >>> 2;
  const waiters = Atomics.load(i32, (seat + SEAT_WAITERS) >>> 2);
  // Counted first, so that two who ask at once do not both count on the last waiter.
  if (Atomics.add(i32, probes, 1) < waiters) {
    return Atomics.notify(i32, (seat + SEAT_LIFE) >>> 2, 1) === 0;
  }
  Atomics.sub(i32, probes, 1);
  return false;
}

/** Gives a seat of a thread that has ended back; false = it has not, or others did. */
export function vacate(memory: Memory, seat: number): boolean {
  const state = stateAt(memory, seat);
  if ((state & 1) === 0 || !isDead(memory, seat, state)) return false;
  const { i32 } = memory.views;
  return Atomics.compareExchange(i32, (seat + SEAT_STATE) >>> 2, state, state + 1) === state;
}

export class Seat {
  readonly address: number;
  readonly #memory: Memory;
  readonly #room: Room;
  readonly #isWatched: boolean;
  #region: number;
  #regionSize: number;

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
    this.letGo();
    this.#region = memory.views.u32[this.#index(SEAT_REGION)];
    this.#regionSize = memory.views.u32[this.#index(SEAT_REGION_SIZE)];
    if (!isWatched) return;
    Atomics.store(memory.views.i32, this.#index(SEAT_WAITERS), 0);
    Atomics.store(memory.views.i32, this.#index(SEAT_PROBES), 0);
    this.#wait();
    // Only now the counts are of this thread.
    Atomics.store(memory.views.i32, this.#index(SEAT_WATCHED), stateAt(memory, this.address));
  }

  /** Address of the session's memory. */
  get region(): number {
    return this.#region;
  }

  get regionSize(): number {
    return this.#regionSize;
  }

  /** The root that the store has published last. Until it rests on one, nothing is freed. */
  enter(): number {
    const { i32 } = this.#memory.views;
    this.#setHold(HOLD_ENTERING);
    this.#wait();
    return Atomics.load(i32, (STORE + STORE_CURRENT) >>> 2) >>> 0;
  }

  /** The root that was entered, and its image, are not freed. */
  rest(root: number): void {
    this.#setHold(root + HOLD_IDLE);
  }

  /** As {@link rest}, nor are its tables. */
  hold(root: number): void {
    this.#setHold(root + HOLD_BUSY);
  }

  #setHold(hold: number): void {
    Atomics.store(this.#memory.views.i32, this.#index(SEAT_HOLD), hold);
  }

  letGo(): void {
    this.#setHold(0);
  }

  /** For other threads to take; its memory stays with it. */
  leave(): void {
    this.letGo();
    const { i32 } = this.#memory.views;
    Atomics.add(i32, this.#index(SEAT_STATE), 1);
  }

  /** Writes what the seat says anew, into memory in which nothing can be trusted. */
  restore(root: number): void {
    const { i32, u32 } = this.#memory.views;
    const count = (STORE + STORE_SEAT_COUNT) >>> 2;
    i32[count] = Math.max(i32[count], (this.address - STORE - STORE_SEATS) / SEAT_SIZE + 1);
    i32[this.#index(SEAT_STATE)] = 1;
    u32[this.#index(SEAT_REGION)] = this.#region;
    u32[this.#index(SEAT_REGION_SIZE)] = this.#regionSize;
    this.rest(root);
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

  /** Begins as many waiters as others have woken. Nothing ever wakes them for another reason. */
  #wait(): void {
    if (!this.#isWatched || !("waitAsync" in Atomics)) return;
    const { i32 } = this.#memory.views;
    const probes = Atomics.load(i32, this.#index(SEAT_PROBES));
    const waiters = Atomics.load(i32, this.#index(SEAT_WAITERS));
    for (let missing = WAITERS_MIN - (waiters - probes); missing > 0; missing--) {
      const { value } = Atomics.waitAsync(i32, this.#index(SEAT_LIFE), 0);
      Atomics.add(i32, this.#index(SEAT_WAITERS), 1);
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
  const { i32 } = memory.views;
  for (const seat of seatsOf(memory)) {
    const state = stateAt(memory, seat);
    const isTaken = (state & 1) === 1;
    if (isTaken && !isDead(memory, seat, state)) continue;
    const next = state + (isTaken ? 2 : 1);
    const index = (seat + SEAT_STATE) >>> 2;
    if (Atomics.compareExchange(i32, index, state, next) === state) return seat;
  }
  const count = (STORE + STORE_SEAT_COUNT) >>> 2;
  if (Atomics.add(i32, count, 1) >= SEAT_COUNT_MAX) {
    Atomics.sub(i32, count, 1);
    throw new CoreError("no-seat", `expected at most ${SEAT_COUNT_MAX} evaluations at a time`);
  }
  // Others may be faster to take the new one.
  return takeSeat(memory);
}
