// The memory layout, declared once: compiled by asc into the core and by tsc into the host.
//
// Reading convention: a bare name is a byte offset inside its record; `_SIZE` bytes; `_COUNT`
// items; `_MAX` an inclusive limit; `KIND_*`, `TAG_*`, `OP_*` closed lists numbered from 1
// (0 = absent).
// Every word is a little-endian u32 unless noted. Pointers inside an image are relative to the
// image's first byte, pointers inside a session are relative to the session's first byte, so both
// may lie anywhere in memory. Only `export const NAME = <integer expression>` may stand here.

export const U16 = 2;
export const U32 = 4;
export const F64 = 8;

// ── limits ──────────────────────────────────────────────────────────────────────────────────
export const FLAG_COUNT_MAX = 65535;
export const OUTCOME_COUNT_MAX = 65535;
export const SELECTOR_DEPTH_MAX = 64;
export const IMAGE_SIZE_MAX = 1 << 29;
export const SESSION_SIZE_MAX = 1 << 30;

// ── IMAGE ── header of a compiled config ────────────────────────────────────────────────────
//  0        4        8        12       16               24       28
//  ├ magic  ┼ version┼ size   ┼ 0      ┼ checksum (u64) ┼ tables: offset, count ...
export const MAGIC = 1146702920; // "HLYD"
export const LAYOUT_VERSION = 2;
export const IMAGE_MAGIC = 0;
export const IMAGE_VERSION = IMAGE_MAGIC + U32;
export const IMAGE_SIZE = IMAGE_VERSION + U32;
export const IMAGE_RESERVED = IMAGE_SIZE + U32;
export const IMAGE_CHECKSUM = IMAGE_RESERVED + U32;
export const IMAGE_FLAGS = IMAGE_CHECKSUM + F64;
export const IMAGE_FLAG_COUNT = IMAGE_FLAGS + U32;
export const IMAGE_SLOTS = IMAGE_FLAG_COUNT + U32;
export const IMAGE_SLOT_COUNT = IMAGE_SLOTS + U32;
export const IMAGE_PREDICATES = IMAGE_SLOT_COUNT + U32;
export const IMAGE_PREDICATE_COUNT = IMAGE_PREDICATES + U32;
// JSON text of the host's names: flag keys, selectors, warnings.
export const IMAGE_NAMES = IMAGE_PREDICATE_COUNT + U32;
export const IMAGE_NAMES_SIZE = IMAGE_NAMES + U32;
// The slot of the selector ["result"], which every flag changes; plus 1, 0 = none.
export const IMAGE_RESULTS_SLOT = IMAGE_NAMES_SIZE + U32;
export const IMAGE_SWEEP = IMAGE_RESULTS_SLOT + U32; // 0 = none: evaluate flag by flag
export const IMAGE_HEADER_SIZE = IMAGE_SWEEP + U32;

// ── FLAG ── segments in order, outcomes 1..count, dependencies ──────────────────────────────
//  0          4          8          12         16         20         24
//  ├ segments*┼ count    ┼ outcomes*┼ count    ┼ parents* ┼ count    ┼ JSON text*, size
export const FLAG_SEGMENTS = 0;
export const FLAG_SEGMENT_COUNT = FLAG_SEGMENTS + U32;
export const FLAG_OUTCOMES = FLAG_SEGMENT_COUNT + U32;
export const FLAG_OUTCOME_COUNT = FLAG_OUTCOMES + U32;
export const FLAG_PARENTS = FLAG_OUTCOME_COUNT + U32;
export const FLAG_PARENT_COUNT = FLAG_PARENTS + U32;
export const FLAG_METADATA = FLAG_PARENT_COUNT + U32;
export const FLAG_METADATA_SIZE = FLAG_METADATA + U32;
// Slots [start, end) that read this flag's result: unread again once it is known.
export const FLAG_RESULT_SLOTS = FLAG_METADATA_SIZE + U32;
export const FLAG_RESULT_SLOT_END = FLAG_RESULT_SLOTS + U32;
export const FLAG_SIZE = FLAG_RESULT_SLOT_END + U32;

// ── OUTCOME ── one (segment, variant) of a flag; numbered from 1 inside its flag ────────────
export const OUTCOME_SEGMENT_INDEX = 0;
export const OUTCOME_VARIANT = OUTCOME_SEGMENT_INDEX + U32;
export const OUTCOME_VARIANT_SIZE = OUTCOME_VARIANT + U32;
export const OUTCOME_SIZE = OUTCOME_VARIANT_SIZE + U32;

// ── SEGMENT ── conditions are words, `predicate << 1 | ends its AND list`; bucket* 0 = none ──
//  0            4            8            12           16
//  ├ conditions*┼ count      ┼ bucket*    ┼ outcome    ┼ metadata JSON*, size
export const SEGMENT_CONDITIONS = 0;
export const SEGMENT_CONDITION_COUNT = SEGMENT_CONDITIONS + U32;
export const SEGMENT_BUCKET = SEGMENT_CONDITION_COUNT + U32;
export const SEGMENT_OUTCOME = SEGMENT_BUCKET + U32;
export const SEGMENT_METADATA = SEGMENT_OUTCOME + U32;
export const SEGMENT_METADATA_SIZE = SEGMENT_METADATA + U32;
export const SEGMENT_SIZE = SEGMENT_METADATA_SIZE + U32;
// Instead of a count: every user matches / no user matches.
export const CONDITIONS_ALWAYS = 2147483647;
export const CONDITIONS_NEVER = 2147483646;

// ── BUCKET ── selector + salt + allocations ─────────────────────────────────────────────────
// A bucket over context hashes: the MurmurHash3 state after the whole blocks of `salt + "/"`
// is known at load; `tail` holds the 0..3 bytes left over.
export const BUCKET_SLOT = 0;
export const BUCKET_SEED = BUCKET_SLOT + U32;
export const BUCKET_TAIL = BUCKET_SEED + U32;
export const BUCKET_SALT_SIZE = BUCKET_TAIL + U32;
export const BUCKET_RANGES = BUCKET_SALT_SIZE + U32;
export const BUCKET_RANGE_COUNT = BUCKET_RANGES + U32;
export const BUCKET_SALT = BUCKET_RANGE_COUNT + U32; // JSON text, for explaining
export const BUCKET_SALT_TEXT_SIZE = BUCKET_SALT + U32;
export const BUCKET_ALLOCATIONS = BUCKET_SALT_TEXT_SIZE + U32; // JSON text, for explaining
export const BUCKET_ALLOCATIONS_SIZE = BUCKET_ALLOCATIONS + U32;
export const BUCKET_SIZE = BUCKET_ALLOCATIONS_SIZE + U32;

// ── RANGE ── one distribution with its allocation; half-open; the first hit wins ────────────
export const RANGE_ALLOCATION_START = 0;
export const RANGE_ALLOCATION_END = RANGE_ALLOCATION_START + U32;
export const RANGE_DISTRIBUTION_START = RANGE_ALLOCATION_END + U32;
export const RANGE_DISTRIBUTION_END = RANGE_DISTRIBUTION_START + U32;
export const RANGE_OUTCOME = RANGE_DISTRIBUTION_END + U32;
export const RANGE_SIZE = RANGE_OUTCOME + U32;
// A bucket has at least this many ranges, so that these can be tried without a branch; what is
// missing are ranges that nothing falls into.
export const RANGE_COUNT_MIN = 2;
export const ALLOCATION_SLOT_COUNT = 100;

// ── PREDICATE ── one distinct (selector, operator, values) ──────────────────────────────────
//  0    1    2      3       4      8         12      16        24          28
//  ├kind┼ op ┼ null ┼ negate┼ slot ┼ operand*┼ count ┼ f64     ┼ name JSON*┼ size
// The name is [operator, values]; the slot has the selector.
export const PREDICATE_KIND = 0;
export const PREDICATE_OP = 1;
export const PREDICATE_NULL = 2;
export const PREDICATE_NEGATED = 3;
export const PREDICATE_SLOT = 4;
export const PREDICATE_OPERAND = PREDICATE_SLOT + U32;
export const PREDICATE_COUNT = PREDICATE_OPERAND + U32;
export const PREDICATE_NUMBER = PREDICATE_COUNT + U32;
export const PREDICATE_NAME = PREDICATE_NUMBER + F64;
export const PREDICATE_NAME_SIZE = PREDICATE_NAME + U32;
export const PREDICATE_USES = PREDICATE_NAME_SIZE + U32; // first USE of the sweep
export const PREDICATE_USE_END = PREDICATE_USES + U32;
export const PREDICATE_SIZE = PREDICATE_USE_END + U32;
// Predicates of a slot are contiguous and sorted by kind, then so that RUNs are contiguous.
export const KIND_IS = 1; //       a text is one of the atoms
export const KIND_NUMBER = 2; //   the number compares with PREDICATE_NUMBER
export const KIND_VERSION = 3; //  the version compares with the VERSION at the operand
export const KIND_SET_ANY = 4; //  a list holds one of the atoms
export const KIND_SET_ALL = 5; //  a list holds all atoms; operand = raw count of values
export const KIND_SET_IS = 6; //   a list equals the atoms as a set
export const KIND_CONTAINS = 7; // a lower-cased text holds one of the TEXT records at the operand
export const KIND_HOST = 8; //     only the host can tell: regular expressions, ill-formed needles
export const KIND_NEVER = 9; //    unknown operator
export const OP_LESS = 1;
export const OP_LESS_OR_EQUAL = 2;
export const OP_GREATER = 3;
export const OP_GREATER_OR_EQUAL = 4;

// ── TEXT ── WTF-8 bytes ─────────────────────────────────────────────────────────────────────
export const TEXT_POINTER = 0;
export const TEXT_BYTES = TEXT_POINTER + U32;
export const TEXT_SIZE = TEXT_BYTES + U32;

// ── VERSION ── prerelease bytes 0 = none; else its size + 1 ─────────────────────────────────
export const VERSION_MAJOR = 0;
export const VERSION_MINOR = VERSION_MAJOR + F64;
export const VERSION_PATCH = VERSION_MINOR + F64;
export const VERSION_PRERELEASE = VERSION_PATCH + F64;
export const VERSION_PRERELEASE_BYTES = VERSION_PRERELEASE + U32;
export const VERSION_SIZE = VERSION_PRERELEASE_BYTES + U32;

// ── SLOT ── one distinct selector; predicates [start, end), by kind; the index of its atoms ──
export const SLOT_PREDICATES = 0;
export const SLOT_PREDICATE_END = SLOT_PREDICATES + U32;
export const SLOT_ATOMS = SLOT_PREDICATE_END + U32;
export const SLOT_ATOM_COUNT = SLOT_ATOMS + U32;
export const SLOT_INDEX = SLOT_ATOM_COUNT + U32;
export const SLOT_INDEX_MASK = SLOT_INDEX + U32;
export const SLOT_NEEDS = SLOT_INDEX_MASK + U32;
export const SLOT_RUNS = SLOT_NEEDS + U32;
export const SLOT_RUN_COUNT = SLOT_RUNS + U32;
// Of the rows that a session keeps, the slot's first, plus 1; 0 = none are kept for it.
export const SLOT_ROWS = SLOT_RUN_COUNT + U32;
export const SLOT_SIZE = SLOT_ROWS + U32;
// What the host must write for a slot.
export const NEEDS_TEXT = 1;
export const NEEDS_NUMBER = 2;
export const NEEDS_VERSION = 4;
export const NEEDS_LOWER = 8;
export const NEEDS_BUCKET = 16;
export const NEEDS_HOST = 32;

// Where a slot's selector starts, if not at the result of the flag with this index.
export const FROM_CONTEXT = -1;
export const FROM_RESULTS = -2; // the selector ["result"]
export const FROM_NOWHERE = -3; // always null

// ── ATOM ── a text that predicates of one slot name; their indices, ascending ───────────────
// The index is an open-addressing table of u32: atom number + 1, 0 = free, by murmur3(bytes).
export const ATOM_HASH = 0;
export const ATOM_TEXT = ATOM_HASH + U32;
export const ATOM_BYTES = ATOM_TEXT + U32;
export const ATOM_PREDICATES = ATOM_BYTES + U32;
export const ATOM_PREDICATE_COUNT = ATOM_PREDICATES + U32;
export const ATOM_SIZE = ATOM_PREDICATE_COUNT + U32;

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

// ── SESSION ── what one evaluation knows; fixed part, then a heap of texts ───────────────────
//  0        4        8       12      16      20      24       28       32      36
//  ├ image  ┼ slots* ┼ preds*┼ outc* ┼ plan* ┼ count ┼ cursor ┼ epoch  ┼ hash  ┼ of the sweep ...
export const SESSION_IMAGE = 0; // absolute
export const SESSION_SLOTS = SESSION_IMAGE + U32;
export const SESSION_PREDICATES = SESSION_SLOTS + U32;
export const SESSION_OUTCOMES = SESSION_PREDICATES + U32;
export const SESSION_PLAN = SESSION_OUTCOMES + U32;
export const SESSION_PLAN_COUNT = SESSION_PLAN + U32;
export const SESSION_CURSOR = SESSION_PLAN_COUNT + U32;
export const SESSION_EPOCH = SESSION_CURSOR + U32;
export const SESSION_HASH = SESSION_EPOCH + U32; // the last bucketHash, for explaining
export const SESSION_ROW = SESSION_HASH + U32; // of the sweep: failed clauses
export const SESSION_QUEUES = SESSION_ROW + U32;
export const SESSION_QUEUE_ENDS = SESSION_QUEUES + U32; // one word per group
export const SESSION_FORM = SESSION_QUEUE_ENDS + U32; // the words of a value, mixed
export const SESSION_ROWS = SESSION_FORM + U32; // KEPT rows, by SLOT_ROWS and atom
// Of the sweep: the predicate that the host was asked for, to go on there: a slot may have
// thousands; 0 = none.
export const SESSION_RESUME = SESSION_ROWS + U32;
export const SESSION_HEADER_SIZE = SESSION_RESUME + U32;
// A kept row: whether it has been made, then its words, padded to 16 bytes.
export const KEPT_IS_MADE = 0;
export const KEPT_WORDS = 16;
// Longer values are hashed one by one.
export const FORM_WORDS_MAX = 64;
// Each user has an epoch. A slot's tag and a predicate's answer are stored as epoch + value, so
// that nothing need be cleared for the next user: a word of another epoch is no value.
export const EPOCH_STEP = 8;
export const EPOCH_MAX = 4294967280;

// ── VALUE ── one text of a slot, in the forms that the slot needs ────────────────────────────
//  0     4      8       12    16     20      24      28     32       40
//  ├ text┼ bytes┼ lower ┼bytes┼ exact┼ bytes ┼ flags ┼ atom ┼ number ┼ VERSION
export const VALUE_TEXT = 0;
export const VALUE_TEXT_BYTES = VALUE_TEXT + U32;
export const VALUE_LOWER = VALUE_TEXT_BYTES + U32;
export const VALUE_LOWER_BYTES = VALUE_LOWER + U32;
export const VALUE_EXACT = VALUE_LOWER_BYTES + U32;
export const VALUE_EXACT_BYTES = VALUE_EXACT + U32;
export const VALUE_FLAGS = VALUE_EXACT_BYTES + U32;
export const VALUE_ATOM = VALUE_FLAGS + U32; // 0 = not looked up, 1 = no atom, else its pointer
export const VALUE_NUMBER = VALUE_ATOM + U32;
export const VALUE_VERSION = VALUE_NUMBER + F64;
export const VALUE_SIZE = VALUE_VERSION + VERSION_SIZE;
export const VALUE_HAS_VERSION = 1;
export const VALUE_REPEATED = 2; // folds to a text that an earlier element of the list has

// ── SLOT STATE ── a slot's value for this user, its scalar inline ────────────────────────────
export const STATE_TAG = 0; // epoch + TAG_*; any other word = unread
export const STATE_COUNT = STATE_TAG + U32; // values; a list's distinct texts
export const STATE_RAW_COUNT = STATE_COUNT + U32; // a list's texts, repeated ones too
export const STATE_VALUES = STATE_RAW_COUNT + U32; // session-relative
export const STATE_BUCKET = STATE_VALUES + U32; // text to hash
export const STATE_BUCKET_BYTES = STATE_BUCKET + U32;
export const STATE_VALUE = STATE_BUCKET_BYTES + U32;
export const STATE_SIZE = STATE_VALUE + VALUE_SIZE;
export const TAG_NULL = 1;
export const TAG_TEXT = 2;
export const TAG_LIST = 3;
export const TAG_OPAQUE = 4; // neither null nor text: nothing matches, nothing hashes

// ── answers of the core ──────────────────────────────────────────────────────────────────────
export const PREDICATE_FALSE = 1;
export const PREDICATE_TRUE = 2;
// A request to the host, negated: index << 2 | what. Then call again.
export const REQUEST_SLOT = 1;
export const REQUEST_PREDICATE = 2;
