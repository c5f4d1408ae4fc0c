// The tables by which all flags are evaluated at once: part of an image, in the conventions of
// layout.ts.

import { U16, U32 } from "./layout.ts";

// ── SWEEP ── how all flags are evaluated at once (assembly/sweep.ts) ────────────────────────
// A CLAUSE is an AND list of conditions, one bit of a row; a bit set = a condition has failed.
// A flag's clauses are consecutive bits of one word, the last of them a clause without conditions.
export const SWEEP_WORDS = 0; // words of a row
export const SWEEP_USES = SWEEP_WORDS + U32; // USE records by predicate
export const SWEEP_CLAUSES = SWEEP_USES + U32; // CLAUSE records by bit
export const SWEEP_FLAGS = SWEEP_CLAUSES + U32; // first bit of each flag that is swept, flag
export const SWEEP_FLAG_COUNT = SWEEP_FLAGS + U32;
export const SWEEP_REST = SWEEP_FLAG_COUNT + U32; // the other flags, parents first
export const SWEEP_REST_COUNT = SWEEP_REST + U32;
export const SWEEP_GROUPS = SWEEP_REST_COUNT + U32;
export const SWEEP_GROUP_COUNT = SWEEP_GROUPS + U32;
export const SWEEP_QUEUE_SIZE = SWEEP_GROUP_COUNT + U32; // entries of all groups
export const SWEEP_SLOTS = SWEEP_QUEUE_SIZE + U32; // the slots that swept flags read
export const SWEEP_SLOT_COUNT = SWEEP_SLOTS + U32;
export const SWEEP_ROW_COUNT = SWEEP_SLOT_COUNT + U32; // rows that a session keeps
export const SWEEP_SIZE = SWEEP_ROW_COUNT + U32;
// What a text fails in a slot of KIND_IS predicates alone depends on its atom only: a session
// keeps the rows, one per atom and one for all other texts, up to this many bytes.
export const ROWS_SIZE_MAX = 65536;
// Where a condition stands: a predicate in a clause.
export const USE_CLAUSE = 0;
export const USE_PREDICATE = USE_CLAUSE + U32;
export const USE_SIZE = USE_PREDICATE + U32;
// What a clause gives if it is the first of its flag that has not failed.
export const CLAUSE_BUCKET = 0; // 0 = none
export const CLAUSE_OUTCOME = CLAUSE_BUCKET + U32; // u16; without a bucket, or if nothing is hit
export const CLAUSE_GROUP = CLAUSE_OUTCOME + U16; // u16
export const CLAUSE_SIZE = CLAUSE_GROUP + U16;
// Buckets that hash alike: one slot, and equal sizes of salt modulo 4.
export const GROUP_SLOT = 0;
export const GROUP_SHIFT = GROUP_SLOT + U32; // bits
export const GROUP_QUEUE = GROUP_SHIFT + U32; // first entry
export const GROUP_SIZE = GROUP_QUEUE + U32 + U32;
// A clause that won and whose bucket is to be hashed.
export const QUEUED_CLAUSE = 0;
export const QUEUED_FLAG = QUEUED_CLAUSE + U32;
export const QUEUED_HASH = QUEUED_FLAG + U32;
export const QUEUED_SIZE = QUEUED_HASH + U32 + U32;
// Predicates of a slot that are swept in one way.
export const RUN_KIND = 0;
export const RUN_START = RUN_KIND + U32;
export const RUN_END = RUN_START + U32;
export const RUN_SIZE = RUN_END + U32;
export const RUN_EACH = 1; //      decided one by one
export const RUN_NAMED = 2; //     KIND_IS: true if the value's atom names it
export const RUN_UNNAMED = 3; //   KIND_IS, negated
export const RUN_ORDERED = 4; //   numbers or versions; from one of them on all are true
export const RUN_ANY = 5; //       KIND_SET_ANY: true if an element's atom names it
export const RUN_NOT_ANY = 6; //   KIND_SET_ANY, negated
// Swept flags have at most this many clauses.
export const CLAUSE_COUNT_MAX = 32;
export const GROUP_COUNT_MAX = 65535;
