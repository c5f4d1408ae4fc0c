// Writes a slot's value into a session, in the forms that the core needs of it.

import * as L from "../../assembly/layout.ts";
import { ContextError } from "./errors.ts";
import type { CoreExports } from "./instance.ts";
import type { Memory } from "./memory.ts";
import type { SessionPlace } from "./session-place.ts";
import { bytesMax, foldBoolean, writeText } from "./text.ts";
import { distinctOf, listOf, textOf } from "./value.ts";
import { parseVersion } from "./version.ts";

const HEAP_SIZE_INITIAL = 8192;
/** A text may stand as it is, folded, lower-cased and as the value to hash. */
const FORM_COUNT = 4;
/** Behind each text, for the rest of its last word. */
const FORM_MARGIN = 8;
const BRACKET = 91;
const FOLDED_TRUE = 1;
const FOLDED_FALSE = 2;

/** What the encoder needs of an instance. */
interface EncoderInstance {
  readonly core: Pick<CoreExports, "openSession" | "sessionSize">;
  readonly memory: Memory;
}

/** Where a session is to lie, and for what. */
export interface EncoderOptions {
  instance: EncoderInstance;
  seat: SessionPlace;
  image: number;
  /** What the core opens the session on: a root of the store; the image, if it is compact. */
  root: number;
  /** NEEDS_* by slot. */
  slots: readonly { readonly needs: number }[];
}

export class Encoder {
  readonly #instance: EncoderInstance;
  readonly #memory: Memory;
  readonly #seat: SessionPlace;
  readonly #slots: EncoderOptions["slots"];
  readonly #states: number;
  readonly #heapStart: number;
  #heapTop: number;
  #epoch = 0;
  /** Address of the session; it moves when its heap grows. */
  base: number;
  /** By slot, for the predicates that the host decides. */
  readonly texts: (string | string[] | undefined)[] = [];

  constructor({ instance, seat, image, root, slots }: EncoderOptions) {
    this.#instance = instance;
    this.#memory = instance.memory;
    this.#seat = seat;
    this.#slots = slots;
    this.#heapStart = instance.core.sessionSize(image);
    this.#heapTop = this.#heapStart;
    seat.reserve(this.#heapStart + HEAP_SIZE_INITIAL, 0);
    this.base = seat.region;
    instance.core.openSession(this.base, root, seat.address);
    this.#states = this.#word(this.base + L.SESSION_SLOTS);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Forgets all values. */
  begin(): void {
    if (this.#epoch >= L.EPOCH_MAX) this.#openAgain();
    this.#epoch += L.EPOCH_STEP;
    this.#heapTop = this.#heapStart;
    this.#memory.views.u32[(this.base + L.SESSION_EPOCH) >>> 2] = this.#epoch;
  }

  /** The epochs begin again. */
  #openAgain(): void {
    const root = this.#word(this.base + L.SESSION_ROOT);
    const stance = this.#word(this.base + L.SESSION_STANCE);
    this.#instance.core.openSession(this.base, root, this.#seat.address);
    this.#setWord(this.base + L.SESSION_STANCE, stance);
    this.#epoch = 0;
  }

  /** Lets go of the texts. */
  end(): void {
    if (this.texts.length > 0) this.texts.length = 0;
  }

  /** Address of a slot's state. */
  stateOf(slot: number): number {
    return this.base + this.#states + slot * L.STATE_SIZE;
  }

  /** Writes the value that the slot's selector found. */
  fill(slot: number, value: unknown): void {
    const { needs } = this.#slots[slot];
    if (typeof value === "string" && value.charCodeAt(0) !== BRACKET) {
      this.#fillText(slot, value, needs);
    } else if (typeof value === "number" && needs === L.NEEDS_NUMBER) {
      const { u32, f64 } = this.#memory.views;
      const state = this.stateOf(slot);
      f64[(state + L.STATE_VALUE + L.VALUE_NUMBER) >>> 3] = value;
      u32[(state + L.STATE_TAG) >>> 2] = this.#epoch + L.TAG_TEXT;
    } else if (value === undefined || value === null) {
      this.#fillNone(slot, L.TAG_NULL);
    } else {
      this.#fillOther(slot, value, needs);
    }
  }

  /** Leaves it to the cohorts which of them has the member. */
  fillMember(slot: number, id: string): void {
    this.#makeRoom(bytesMax(id) + FORM_MARGIN);
    const state = this.stateOf(slot);
    this.#setText(state + L.STATE_MEMBER, id);
    this.#setWord(state + L.STATE_IS_HASHED, 0);
    this.#setWord(state + L.STATE_TAG, this.#epoch + L.TAG_MEMBER);
  }

  /** Whether the slot has been given a value for this user. */
  isFilled(slot: number): boolean {
    const tag = this.#word(this.stateOf(slot) + L.STATE_TAG) - this.#epoch;
    return tag > 0 && tag < L.EPOCH_STEP;
  }

  #fillNone(slot: number, tag: number): void {
    const state = this.stateOf(slot);
    this.#setWord(state + L.STATE_BUCKET_BYTES, 0);
    this.#setWord(state + L.STATE_TAG, this.#epoch + tag);
  }

  /** A value that is no plain text: it may be a list, or run the caller's code to become text. */
  #fillOther(slot: number, value: unknown, needs: number): void {
    const list = listOf(value);
    const isHashed = (needs & L.NEEDS_BUCKET) !== 0;
    const text = list && !isHashed ? "" : textOf(value);
    if (list) {
      this.#fillList(slot, list, needs, isHashed ? (text ?? "") : "");
    } else if (list === undefined && text !== undefined) {
      this.#fillText(slot, text, needs);
    } else {
      this.#fillNone(slot, L.TAG_OPAQUE);
      if (text) this.#setBucket(slot, text);
    }
  }

  #fillText(slot: number, text: string, needs: number): void {
    this.#makeRoom(formsMax(text));
    const { u32 } = this.#memory.views;
    const state = this.stateOf(slot);
    const top = this.#heapTop;
    const bytes = this.#put(text);
    // The text as it stands; other forms are written only where they differ.
    u32[(state + L.STATE_BUCKET) >>> 2] = top;
    u32[(state + L.STATE_BUCKET_BYTES) >>> 2] = bytes;
    u32[(state + L.STATE_TAG) >>> 2] = this.#epoch + L.TAG_TEXT;
    if (needs === L.NEEDS_BUCKET) return;
    const value = state + L.STATE_VALUE;
    u32[(value + L.VALUE_ATOM) >>> 2] = 0;
    u32[(value + L.VALUE_TEXT) >>> 2] = top;
    u32[(value + L.VALUE_TEXT_BYTES) >>> 2] = bytes;
    if (bytes === 4 || bytes === 5) this.#fold(value, text);
    if (needs & ~(L.NEEDS_BUCKET | L.NEEDS_TEXT)) {
      if (needs & L.NEEDS_HOST) this.texts[slot] = text;
      this.#writeForms(value, text, needs, state + L.STATE_BUCKET);
    }
  }

  /** `is` and its kin see "TRUE" as "true". */
  #fold(value: number, text: string): void {
    const folded = foldBoolean(text);
    if (folded !== text) this.#setText(value + L.VALUE_TEXT, folded);
  }

  #fillList(slot: number, texts: string[], needs: number, bucketText: string): void {
    if (needs & L.NEEDS_HOST) this.texts[slot] = texts;
    const distinct = distinctOf(texts);
    let room = distinct.length * L.VALUE_SIZE + FORM_MARGIN;
    for (let i = 0; i < distinct.length; i++) room += formsMax(distinct[i]);
    this.#makeRoom(room);
    const { u32 } = this.#memory.views;
    const state = this.stateOf(slot);
    const values = (this.#heapTop + 7) & ~7;
    this.#heapTop = values + distinct.length * L.VALUE_SIZE;
    u32[(state + L.STATE_COUNT) >>> 2] = distinct.length;
    u32[(state + L.STATE_RAW_COUNT) >>> 2] = texts.length;
    u32[(state + L.STATE_VALUES) >>> 2] = values;
    let folded = 0;
    for (let i = 0; i < distinct.length; i++) {
      const at = this.base + values + i * L.VALUE_SIZE;
      folded |= this.#writeElement(at, distinct[i], needs, folded);
    }
    u32[(state + L.STATE_BUCKET_BYTES) >>> 2] = 0;
    u32[(state + L.STATE_TAG) >>> 2] = this.#epoch + L.TAG_LIST;
    if (bucketText) this.#setBucket(slot, bucketText);
  }

  /**
   * A list's element: as it stands, folded, and whether an earlier element folds to the same.
   * Answers the boolean that it folds to, FOLDED_*, and takes those of the earlier elements.
   */
  #writeElement(at: number, text: string, needs: number, earlier: number): number {
    const { u32 } = this.#memory.views;
    const top = this.#heapTop;
    const bytes = this.#put(text);
    u32[(at + L.VALUE_ATOM) >>> 2] = 0;
    u32[(at + L.VALUE_FLAGS) >>> 2] = 0;
    u32[(at + L.VALUE_EXACT) >>> 2] = top;
    u32[(at + L.VALUE_EXACT_BYTES) >>> 2] = bytes;
    u32[(at + L.VALUE_TEXT) >>> 2] = top;
    u32[(at + L.VALUE_TEXT_BYTES) >>> 2] = bytes;
    if (needs & ~(L.NEEDS_BUCKET | L.NEEDS_TEXT)) {
      this.#writeForms(at, text, needs, at + L.VALUE_EXACT);
    }
    return bytes === 4 || bytes === 5 ? this.#foldElement(at, text, earlier) : 0;
  }

  #foldElement(at: number, text: string, earlier: number): number {
    const fold = foldBoolean(text);
    if (fold !== "true" && fold !== "false") return 0;
    if (fold !== text) this.#setText(at + L.VALUE_TEXT, fold);
    const folded = fold === "true" ? FOLDED_TRUE : FOLDED_FALSE;
    if (earlier & folded) {
      const flags = this.#word(at + L.VALUE_FLAGS);
      this.#setWord(at + L.VALUE_FLAGS, flags | L.VALUE_REPEATED);
    }
    return folded;
  }

  #setBucket(slot: number, text: string): void {
    this.#makeRoom(bytesMax(text) + FORM_MARGIN);
    this.#setText(this.stateOf(slot) + L.STATE_BUCKET, text);
  }

  /** Writes the further forms that the slot needs; there is room. The text stands at `plain`. */
  #writeForms(at: number, text: string, needs: number, plain: number): void {
    this.#setWord(at + L.VALUE_FLAGS, 0);
    if (needs & L.NEEDS_LOWER) {
      const lower = text.toLowerCase();
      if (lower === text) this.#copySpan(plain, at + L.VALUE_LOWER);
      else this.#setText(at + L.VALUE_LOWER, lower);
    }
    if (needs & L.NEEDS_NUMBER) {
      this.#memory.views.f64[(at + L.VALUE_NUMBER) >>> 3] = Number(text);
    }
    if (needs & L.NEEDS_VERSION) this.#writeVersion(at, text);
  }

  #writeVersion(at: number, text: string): void {
    const version = parseVersion(text);
    if (!version) return;
    const { f64 } = this.#memory.views;
    const to = at + L.VALUE_VERSION;
    f64[(to + L.VERSION_MAJOR) >>> 3] = version.major;
    f64[(to + L.VERSION_MINOR) >>> 3] = version.minor;
    f64[(to + L.VERSION_PATCH) >>> 3] = version.patch;
    this.#setWord(at + L.VALUE_FLAGS, L.VALUE_HAS_VERSION);
    this.#setWord(to + L.VERSION_PRERELEASE_BYTES, 0);
    if (version.prerelease === undefined) return;
    this.#setText(to + L.VERSION_PRERELEASE, version.prerelease);
    const bytes = this.#word(to + L.VERSION_PRERELEASE_BYTES);
    this.#setWord(to + L.VERSION_PRERELEASE_BYTES, bytes + 1);
  }

  /** Puts a text on top of the heap, where there is room; answers its bytes. */
  #put(text: string): number {
    const { u8, u32 } = this.#memory.views;
    const bytes = writeText(text, u8, u32, this.base + this.#heapTop);
    this.#heapTop = (this.#heapTop + bytes + 3) & ~3;
    return bytes;
  }

  /** Puts a text on the heap and its pointer and size at `at`. */
  #setText(at: number, text: string): void {
    this.#setWord(at, this.#heapTop);
    this.#setWord(at + L.U32, this.#put(text));
  }

  #copySpan(from: number, to: number): void {
    this.#setWord(to, this.#word(from));
    this.#setWord(to + L.U32, this.#word(from + L.U32));
  }

  /** After this `bytes` more bytes fit; moves the session if they did not. */
  #makeRoom(bytes: number): void {
    const needed = this.#heapTop + bytes + 16;
    if (needed > this.#seat.regionSize) this.#move(needed);
  }

  #move(needed: number): void {
    if (needed > L.SESSION_SIZE_MAX) {
      throw new ContextError(`context: expected texts of at most ${L.SESSION_SIZE_MAX} bytes`);
    }
    const size = Math.min(Math.max(needed, this.#seat.regionSize * 2), L.SESSION_SIZE_MAX);
    this.#seat.reserve(size, this.#heapTop);
    this.base = this.#seat.region;
  }

  #word(at: number): number {
    return this.#memory.views.u32[at >>> 2];
  }

  #setWord(at: number, value: number): void {
    this.#memory.views.u32[at >>> 2] = value;
  }
}

function formsMax(text: string): number {
  return bytesMax(text) * FORM_COUNT + FORM_MARGIN * FORM_COUNT;
}
