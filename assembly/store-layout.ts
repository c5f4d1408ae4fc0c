// What lies around images and sessions: one store, read by many threads and written by its owner.
// Same conventions as layout.ts. Addresses here are absolute.
//
// ── how a store changes under its readers ────────────────────────────────────────────────────
// A ROOT names one image and the tables of its cohorts. It is written, then published by one
// atomic store to STORE_CURRENT, and never changes until its memory is free again. Each session
// has a SEAT, and says in its one word SEAT_HOLD what the owner must not free:
//
//   0               nothing
//   root + IDLE     the root and its image     between evaluations: the host decodes the image
//   root + BUSY     these and its tables       during an evaluation, if the image names cohorts
//   ENTERING        whatever has not been freed yet
//
// reader, per evaluation                       owner, per publication
//   R1  hold <- root + BUSY                      W1  current <- new root
//   R2  current == root ? to R6 : to R3          W2  of each seat, read state, then hold
//   R3  hold <- ENTERING                         W3  unless one is ENTERING, free of the older
//   R4  root <- current                              roots what no seat names: the tables, if none
//   R5  hold <- root + BUSY                          is BUSY with it; the root itself; with the
//   R6  evaluate, then hold <- root + IDLE           last root that names it an image, a table
// reader, who comes                            reader, who goes
//   C1  state <- odd (compare and exchange)      L1  hold <- 0
//   C2  as R3 to R5, then hold <- root + IDLE    L2  state <- even
// Where the image names no cohorts there are no tables: R1 is left out, R5 and R6 are IDLE.
//
// Why nothing is freed that is read: all these loads and stores are sequentially consistent, so
// they have one order. If W2 comes after R1 (R3), the owner sees the hold, or a later one. If it
// comes before, then W1 comes before R2 (R4), which thus reads the new root or a newer one: R2 goes
// to R3, and what R4 reads was not yet replaced at that W2. Between R3 and R5 every scan sees
// ENTERING, or the old hold followed by the argument for R3, so what R4 has read stays. From R5 on
// it is named. Who comes is seen by W2 from C1 on, and reads current after that. A hold that names
// a root keeps its address from being used again, so comparing addresses at R2 compares roots.
// What was written before W1 is wholly visible to whoever reads its root at R2 or R4.
//
// A reader does at most these six steps, whatever others do: it never waits and never repeats.
// The owner waits for nobody either; what it cannot free, it frees after a later publication.
// A thread that dies keeps its seats taken. Whoever wants a seat, or the memory that it holds, can
// tell (src/engine/seat.ts): waiters on SEAT_LIVES vanish with their thread.
// test/protocol.test.ts explores all interleavings of a small model of this.

import { MEMORY_START, U32 } from "./layout.ts";

// ── STORE ── at a fixed address; the seats follow, then what the owner places ───────────────
export const STORE = MEMORY_START;
export const STORE_MAGIC = 0;
export const STORE_VERSION = STORE_MAGIC + U32; // LAYOUT_VERSION
export const STORE_BACKEND = STORE_VERSION + U32; // BACKEND_*
export const STORE_SEAT_COUNT = STORE_BACKEND + U32; // seats ever taken
export const STORE_PROBE = STORE_SEAT_COUNT + U32; // the seat to be asked next for a sign of life
export const STORE_CURRENT = 64; // a ROOT; alone on its cache line
export const STORE_SEATS = 128;
export const BACKEND_WASM = 1;
export const BACKEND_WASM_SIMD = 2;

// ── SEAT ── one cache line each ─────────────────────────────────────────────────────────────
export const SEAT_STATE = 0; // odd = taken; goes up by one whenever it is taken or left
export const SEAT_HOLD = SEAT_STATE + U32;
export const SEAT_REGION = SEAT_HOLD + U32; // the session's memory; stays with the seat
export const SEAT_REGION_SIZE = SEAT_REGION + U32;
// The state's low 24 bits << 8 | waiters of the thread in that state that nobody has claimed.
export const SEAT_WAITERS = SEAT_REGION_SIZE + U32;
// Only waited upon: one word per state in turn, so that who comes late wakes nobody of another.
export const SEAT_LIVES = 32;
export const SEAT_LIFE_COUNT = 8;
export const SEAT_SIZE = 64;
export const SEAT_COUNT_MAX = 1000;
export const STORE_SIZE = STORE_SEATS + SEAT_COUNT_MAX * SEAT_SIZE;
// Roots are 16-aligned, so that a hold is the root's address plus one of these.
export const HOLD_IDLE = 1;
export const HOLD_BUSY = 2;
export const HOLD_ENTERING = 3; // without a root

// ── ROOT ── what an evaluation goes by ──────────────────────────────────────────────────────
export const ROOT_IMAGE = 0;
export const ROOT_COHORT_COUNT = ROOT_IMAGE + U32; // that the engine has, named or not
export const ROOT_TABLES = ROOT_COHORT_COUNT + U32; // TABLE by cohort of the image, 0 = unknown
export const ROOT_SIZE = ROOT_TABLES; // and one word per cohort

// ── TABLE ── the members of a cohort: linear probing over slots, in blocks ──────────────────
//  0       4      8       12
//  ├ homes ┼ end  ┼ count ┼ blocks ...
// A member's fingerprint has 96 bits: MurmurHash3 x64 128 without 32 of them. Its place is
// (first word * homes) >>> 32 or behind it, so places ascend as fingerprints do, and a table can be
// copied to one of another size from front to end. It does not wrap: slots [homes, end) take what
// runs over. A block holds BLOCK_MEMBERS slots, the last one maybe fewer; 0 = not there yet.
export const TABLE_HOMES = 0;
export const TABLE_END = TABLE_HOMES + U32;
export const TABLE_COUNT = TABLE_END + U32;
export const TABLE_BLOCKS = TABLE_COUNT + U32;
export const TABLE_SIZE = TABLE_BLOCKS; // and one word per block
export const MEMBER_FIRST = 0; // u32
export const MEMBER_REST = MEMBER_FIRST + U32; // u64, 0 = free slot
export const MEMBER_SIZE = MEMBER_REST + U32 + U32;
export const BLOCK_MEMBERS = 1365;
export const BLOCK_SIZE = 16384;
