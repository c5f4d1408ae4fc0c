// What the seats of a shared engine say.
import {
  SEAT_HOLD,
  SEAT_SIZE,
  SEAT_STATE,
  STORE,
  STORE_CURRENT,
  STORE_SEAT_COUNT,
  STORE_SEATS,
} from "../../assembly/store-layout.ts";

/** How many were ever taken; how many are, and hold what is not the current root. */
export function seatsLeft(memory: WebAssembly.Memory): { taken: number; lost: number } {
  const words = new Int32Array(memory.buffer);
  const word = (at: number) => Atomics.load(words, at >>> 2);
  const taken = word(STORE + STORE_SEAT_COUNT);
  let lost = 0;
  for (let index = 0; index < taken; index++) {
    const seat = STORE + STORE_SEATS + index * SEAT_SIZE;
    const hold = word(seat + SEAT_HOLD);
    if ((word(seat + SEAT_STATE) & 1) === 0 || hold === 0) continue;
    if ((hold & ~15) !== word(STORE + STORE_CURRENT)) lost++;
  }
  return { taken, lost };
}
