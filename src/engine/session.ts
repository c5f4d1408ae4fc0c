// A session: one evaluation at a time. Fills the slots that the core asks for, decides what only
// the host can, and reads outcomes.

import * as L from "../../assembly/layout.ts";
import type { Config } from "./config.ts";
import { ContextError } from "./errors.ts";
import type { EvaluationVariant } from "./flag.ts";
import { bytesMax, foldBoolean, writeText } from "./text.ts";
import { listOf, select, textOf } from "./value.ts";
import { setOwn } from "./variants.ts";
import { parseVersion } from "./version.ts";

const HEAP_SIZE_INITIAL = 8192;
/** A text may stand as it is, folded, lower-cased and as the value to hash. */
const FORM_COUNT = 4;

export class Session {
  readonly config: Config;
  #base: number;
  readonly #heapStart: number;
  #heapEnd: number;
  #heapTop: number;
  readonly #slots: number;
  readonly #outcomes: number;
  readonly #plan: number;
  #context: unknown;
  /** By slot, for the predicates that the host decides. */
  readonly #texts: (string | string[] | undefined)[] = [];
  #isBroken = false;

  constructor(config: Config) {
    this.config = config;
    const { instance } = config;
    this.#heapStart = instance.core.sessionSize(instance.image);
    this.#heapEnd = this.#heapStart + HEAP_SIZE_INITIAL;
    this.#heapTop = this.#heapStart;
    this.#base = instance.reserve(this.#heapEnd);
    instance.core.openSession(this.#base, instance.image);
    this.#slots = this.#header(L.SESSION_SLOTS);
    this.#outcomes = this.#header(L.SESSION_OUTCOMES);
    this.#plan = this.#header(L.SESSION_PLAN);
  }

  /** Starts over with another user. */
  begin(context: unknown): void {
    const { core, image } = this.config.instance;
    if (this.#isBroken) core.openSession(this.#base, image);
    this.#isBroken = false;
    core.begin(this.#base);
    this.#heapTop = this.#heapStart;
    this.#context = context;
  }

  /** Forgets the user, so that the session keeps none of the caller's objects alive. */
  end(): void {
    this.#context = undefined;
  }

  /** Evaluates the flags of a plan, parents first. */
  runPlan(plan: ArrayLike<number>): void {
    const { u32 } = this.config.instance;
    u32.set(plan, (this.#base + this.#plan) >>> 2);
    this.#run(plan.length);
  }

  /** Evaluates one flag and its ancestors; answers its outcome, 0 = none. */
  runFlag(flag: number): number {
    const plan = this.config.planOf(flag);
    if (plan) {
      this.runPlan(plan);
    } else {
      this.config.instance.u32[(this.#base + this.#plan) >>> 2] = flag;
      this.#run(1);
    }
    return this.outcome(flag);
  }

  outcome(flag: number): number {
    return this.config.instance.u16[(this.#base + this.#outcomes + flag * 2) >>> 1];
  }

  /** A copy of all outcomes, by flag. */
  copyOutcomes(): Uint16Array {
    const start = (this.#base + this.#outcomes) >>> 1;
    return this.config.instance.u16.slice(start, start + this.config.flagCount);
  }

  /** For explaining: whether a predicate holds, decided now if it has not been. */
  decide(predicate: number): boolean {
    const { core } = this.config.instance;
    return this.#settle(() => core.decidePredicate(this.#base, predicate)) === L.PREDICATE_TRUE;
  }

  /** For explaining: the hash by which a segment buckets; undefined = nothing to hash. */
  bucketHash(segment: number, bucket: number): number | undefined {
    const { core, image } = this.config.instance;
    this.#settle(() => core.bucketSegment(this.#base, image + segment));
    const state = this.#state(this.config.u32(bucket + L.BUCKET_SLOT));
    const isHashed = this.#word(state + L.STATE_BUCKET_BYTES) > 0;
    return isHashed ? this.#header(L.SESSION_HASH) : undefined;
  }

  /** The value that a slot's selector finds. */
  value(slot: number): unknown {
    const { selector, source } = this.config.slots[slot];
    if (source === L.FROM_CONTEXT) return select(this.#context, selector, 1);
    if (source === L.FROM_RESULTS) return this.#results();
    if (source === L.FROM_NOWHERE) return undefined;
    const variant = this.variant(source);
    return variant && select(variant, selector, 2);
  }

  variant(flag: number): EvaluationVariant | undefined {
    const outcome = this.outcome(flag);
    return outcome === 0 ? undefined : this.config.variant(flag, outcome);
  }

  /** The results of the flags evaluated so far, as the selector ["result"] sees them. */
  #results(): Record<string, EvaluationVariant> {
    const { flagKeys } = this.config.names;
    const results: Record<string, EvaluationVariant> = {};
    const count = this.#header(L.SESSION_PLAN_COUNT);
    for (let i = 0; i < count; i++) {
      const flag = this.#word(this.#base + this.#plan + i * L.U32);
      const variant = this.variant(flag);
      if (variant) setOwn(results, flagKeys[flag], variant);
    }
    return results;
  }

  #run(count: number): void {
    const { core, u32 } = this.config.instance;
    u32[(this.#base + L.SESSION_PLAN_COUNT) >>> 2] = count;
    // Whatever ends the loop early (a getter of the caller's that throws, a trap) leaves the
    // session half written: it is made anew before its next use.
    this.#isBroken = true;
    let request = core.run(this.#base);
    while (request !== L.DONE) {
      this.#fulfil(-request);
      request = core.run(this.#base);
    }
    this.#isBroken = false;
  }

  /** Asks the core until its answer is no request. */
  #settle(ask: () => number): number {
    let answer = ask();
    while (answer < 0) {
      this.#fulfil(-answer);
      answer = ask();
    }
    return answer;
  }

  #fulfil(request: number): void {
    const index = request >>> 2;
    if ((request & 3) === L.REQUEST_SLOT) this.#fill(index);
    else this.#answer(index);
  }

  #answer(predicate: number): void {
    const { config } = this;
    const record = config.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
    const { negated, matches } = config.matcher(predicate);
    const texts = this.#texts[config.u32(record + L.PREDICATE_SLOT)];
    const isMatch =
      typeof texts === "string"
        ? matches(texts) !== negated
        : texts?.some((text) => matches(text) !== negated);
    const answer = isMatch ? L.PREDICATE_TRUE : L.PREDICATE_FALSE;
    config.instance.core.answer(this.#base, predicate, answer);
  }

  #fill(slot: number): void {
    const value = this.value(slot);
    const { needs } = this.config.slots[slot];
    this.#texts[slot] = undefined;
    if (value === undefined) {
      this.#setTag(slot, L.TAG_NULL, "");
      return;
    }
    const list = listOf(value);
    const isHashed = (needs & L.NEEDS_BUCKET) !== 0;
    const text = list && !isHashed ? "" : textOf(value);
    let tag = L.TAG_OPAQUE;
    if (list) {
      this.#fillList(slot, list, needs);
      tag = L.TAG_LIST;
    } else if (list === undefined && text !== undefined) {
      this.#fillText(slot, text, needs);
      tag = L.TAG_TEXT;
    }
    this.#setTag(slot, tag, isHashed ? (text ?? "") : "");
  }

  #setTag(slot: number, tag: number, bucketText: string): void {
    this.#makeRoom(bytesMax(bucketText));
    const state = this.#state(slot);
    this.#setText(state + L.STATE_BUCKET, bucketText);
    this.#setWord(state + L.STATE_TAG, tag);
  }

  #fillText(slot: number, text: string, needs: number): void {
    if (needs & L.NEEDS_HOST) this.#texts[slot] = text;
    this.#makeRoom(formsMax(text));
    this.#writeValue(this.#state(slot) + L.STATE_VALUE, text, needs);
  }

  #fillList(slot: number, texts: string[], needs: number): void {
    if (needs & L.NEEDS_HOST) this.#texts[slot] = texts;
    const distinct = texts.length > 1 ? [...new Set(texts)] : texts;
    let room = distinct.length * L.VALUE_SIZE;
    for (const text of distinct) room += formsMax(text);
    this.#makeRoom(room);
    const state = this.#state(slot);
    const values = (this.#heapTop + 7) & ~7;
    this.#heapTop = values + distinct.length * L.VALUE_SIZE;
    this.#setWord(state + L.STATE_COUNT, distinct.length);
    this.#setWord(state + L.STATE_RAW_COUNT, texts.length);
    this.#setWord(state + L.STATE_VALUES, values);
    const folded = new Set<string>();
    for (const [i, text] of distinct.entries()) {
      const at = this.#base + values + i * L.VALUE_SIZE;
      const fold = this.#writeValue(at, text, needs);
      if (fold === "true" || fold === "false") {
        if (folded.has(fold))
          this.#setWord(at + L.VALUE_FLAGS, this.#word(at + L.VALUE_FLAGS) | L.VALUE_REPEATED);
        folded.add(fold);
      }
    }
  }

  /** Writes the forms that the slot needs; there is room. Answers the folded text. */
  #writeValue(at: number, text: string, needs: number): string {
    const folded = foldBoolean(text);
    this.#setWord(at + L.VALUE_ATOM, 0);
    this.#setWord(at + L.VALUE_FLAGS, 0);
    if (needs & L.NEEDS_TEXT) {
      this.#setText(at + L.VALUE_TEXT, folded);
      if (folded === text) this.#copySpan(at + L.VALUE_TEXT, at + L.VALUE_EXACT);
      else this.#setText(at + L.VALUE_EXACT, text);
    }
    if (needs & L.NEEDS_LOWER) {
      const lower = text.toLowerCase();
      if (needs & L.NEEDS_TEXT && lower === folded) {
        this.#copySpan(at + L.VALUE_TEXT, at + L.VALUE_LOWER);
      } else {
        this.#setText(at + L.VALUE_LOWER, lower);
      }
    }
    const { f64 } = this.config.instance;
    if (needs & L.NEEDS_NUMBER) f64[(at + L.VALUE_NUMBER) >>> 3] = Number(text);
    const version = needs & L.NEEDS_VERSION ? parseVersion(text) : undefined;
    if (version) {
      const to = at + L.VALUE_VERSION;
      f64[(to + L.VERSION_MAJOR) >>> 3] = version.major;
      f64[(to + L.VERSION_MINOR) >>> 3] = version.minor;
      f64[(to + L.VERSION_PATCH) >>> 3] = version.patch;
      this.#setText(to + L.VERSION_PRERELEASE, version.prerelease ?? "");
      const bytes = this.#word(to + L.VERSION_PRERELEASE_BYTES);
      const isRelease = version.prerelease === undefined;
      this.#setWord(to + L.VERSION_PRERELEASE_BYTES, isRelease ? 0 : bytes + 1);
      this.#setWord(at + L.VALUE_FLAGS, L.VALUE_HAS_VERSION);
    }
    return folded;
  }

  /** Puts a text on the heap and its pointer and size at `at`. */
  #setText(at: number, text: string): void {
    const bytes = writeText(text, this.config.instance.u8, this.#base + this.#heapTop);
    this.#setWord(at, this.#heapTop);
    this.#setWord(at + L.U32, bytes);
    this.#heapTop += bytes;
  }

  #copySpan(from: number, to: number): void {
    this.#setWord(to, this.#word(from));
    this.#setWord(to + L.U32, this.#word(from + L.U32));
  }

  /** After this `bytes` more bytes fit; moves the session if they did not. */
  #makeRoom(bytes: number): void {
    const needed = this.#heapTop + bytes + 16;
    if (needed <= this.#heapEnd) return;
    if (needed > L.SESSION_SIZE_MAX) {
      throw new ContextError(`context: expected texts of at most ${L.SESSION_SIZE_MAX} bytes`);
    }
    const { instance } = this.config;
    const heapEnd = Math.min(Math.max(needed, this.#heapEnd * 2), L.SESSION_SIZE_MAX);
    const base = instance.reserve(heapEnd);
    instance.u8.copyWithin(base, this.#base, this.#base + this.#heapTop);
    this.#base = base;
    this.#heapEnd = heapEnd;
  }

  #state(slot: number): number {
    return this.#base + this.#slots + slot * L.STATE_SIZE;
  }

  #header(field: number): number {
    return this.#word(this.#base + field);
  }

  #word(at: number): number {
    return this.config.instance.u32[at >>> 2];
  }

  #setWord(at: number, value: number): void {
    this.config.instance.u32[at >>> 2] = value;
  }
}

function formsMax(text: string): number {
  return bytesMax(text) * FORM_COUNT + 8;
}
