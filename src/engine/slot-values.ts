import type { Slot } from "./config.ts";

/** Where a user's values come from, if not straight from a context. */
export interface SlotValues {
  /** undefined = null */
  value(slot: number): unknown;
  /** Whether cohorts have been asked for the slots that have no list of them. */
  readonly hasCohorts?: boolean;
}

/** The values of a context, each read when it is first asked for and never again. */
export class ReadOnce implements SlotValues {
  readonly #slots: readonly Slot[];
  readonly #context: unknown;
  readonly #values: unknown[] = [];
  readonly #isRead: boolean[] = [];

  constructor(slots: readonly Slot[], context: unknown) {
    this.#slots = slots;
    this.#context = context;
  }

  value(slot: number): unknown {
    if (!this.#isRead[slot]) {
      this.#values[slot] = this.#slots[slot].read(this.#context) ?? undefined;
      this.#isRead[slot] = true;
    }
    return this.#values[slot];
  }
}

/** What reading a value has thrown. */
class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** The values of a context as they are now; what reading one throws, asking for it throws. */
export class ReadNow implements SlotValues {
  readonly #values: unknown[];
  hasCohorts = false;

  /** @param keep - makes of a value what its owner cannot change */
  constructor(slots: readonly Slot[], context: unknown, keep: (value: unknown) => unknown) {
    this.#values = slots.map((slot) => {
      if (!slot.isOfContext) return undefined;
      try {
        return keep(slot.read(context) ?? undefined);
      } catch (error) {
        return new Thrown(error);
      }
    });
  }

  /** From now on the slot has this value, or throws as reading it does. */
  keep(slot: number, read: () => unknown): void {
    try {
      this.#values[slot] = read();
    } catch (error) {
      this.#values[slot] = new Thrown(error);
    }
  }

  value(slot: number): unknown {
    const value = this.#values[slot];
    if (value instanceof Thrown) throw value.error;
    return value;
  }
}
