// The memory layout, declared once: compiled by asc into the core and by tsc into the host.
//
// Reading convention: a bare name is a byte offset inside its record; `_SIZE` bytes; `_COUNT`
// items; `_MAX` an inclusive limit; `KIND_*`, `TAG_*`, `OP_*` closed lists numbered from 1
// (0 = absent).
// Every word is a little-endian u32 unless noted. Pointers inside an image are relative to the
// image's first byte, pointers inside a session are relative to the session's first byte, so both
// may lie anywhere in memory. Only `export const NAME = <integer expression>` may stand here.
// sweep-layout.ts goes on with the tables of the sweep, store-layout.ts with what threads share.

// Below lies nothing: 0 is "none" in many fields.
export const MEMORY_START = 1024;

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
export const LAYOUT_VERSION = 3;
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
export const IMAGE_COHORTS = IMAGE_SWEEP + U32; // of each cohort the atom, absolute in the image
export const IMAGE_COHORT_COUNT = IMAGE_COHORTS + U32;
export const IMAGE_HEADER_SIZE = IMAGE_COHORT_COUNT + U32;

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
export const KIND_SET_ANY = 4; //  a list holds one of the atoms; operand = their cohorts, if any
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
// Cohorts [start, end) that its predicates name, and the slot of the member's id, plus 1.
export const SLOT_COHORTS = SLOT_ROWS + U32;
export const SLOT_COHORT_END = SLOT_COHORTS + U32;
export const SLOT_MEMBER = SLOT_COHORT_END + U32; // 0 = the slot is none of cohorts
export const SLOT_SIZE = SLOT_MEMBER + U32;
// What the host must write for a slot.
export const NEEDS_TEXT = 1;
export const NEEDS_NUMBER = 2;
export const NEEDS_VERSION = 4;
export const NEEDS_LOWER = 8;
export const NEEDS_BUCKET = 16;
export const NEEDS_HOST = 32;
export const NEEDS_MEMBER = 64; // where the context has no list, TAG_MEMBER tells all

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
export const SESSION_MEMBERS = SESSION_RESUME + U32; // one word per cohort: epoch + PREDICATE_*
export const SESSION_FETCHED = SESSION_MEMBERS + U32; // written lest the reads be dropped
export const SESSION_ROOT = SESSION_FETCHED + U32; // absolute
export const SESSION_SEAT = SESSION_ROOT + U32; // absolute
export const SESSION_STANCE = SESSION_SEAT + U32;
export const SESSION_HEADER_SIZE = SESSION_STANCE + U32;
export const STANCE_OUT = 0; //  the root may have been replaced
export const STANCE_IN = 1; //   in an evaluation
export const STANCE_HELD = 2; // in as many as the host likes, until it lets go
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
export const TAG_MEMBER = 5; // the cohorts that have the member
// With TAG_MEMBER, instead of a VALUE: the member's id, and its fingerprint once it is made.
export const STATE_MEMBER = STATE_VALUE;
export const STATE_MEMBER_BYTES = STATE_MEMBER + U32;
export const STATE_IS_HASHED = STATE_MEMBER_BYTES + U32;
export const STATE_FINGERPRINT = STATE_IS_HASHED + U32; // u32, u64

// ── answers of the core ──────────────────────────────────────────────────────────────────────
export const PREDICATE_FALSE = 1;
export const PREDICATE_TRUE = 2;
// A request to the host, negated: index << 2 | what. Then call again.
export const REQUEST_SLOT = 1;
export const REQUEST_PREDICATE = 2;
export const REQUEST_SWITCH = 3; // to the store's current root, and begin again
