// A host of the core that shares nothing with the engine but the layout: what docs/abi.md says,
// done. It notes each word that it writes and each call, so that others can do the same again.
import * as L from "../assembly/layout.ts";
import { ROOT_IMAGE, STORE, STORE_CURRENT, STORE_SEATS } from "../assembly/store-layout.ts";

const PAGE_SIZE = 65536;
/** Behind the store and all of its seats. */
export const ROOT = PAGE_SIZE;
export const IMAGE = ROOT + 64;
export const SEAT = STORE + STORE_SEATS;

export type Step =
  | { kind: "write"; at: number; word: number }
  | { kind: "read"; at: number; word: number }
  | { kind: "call"; name: string; args: number[]; result: number | undefined };

type Core = Record<string, (...args: number[]) => number | undefined>;

interface Names {
  flagKeys: string[];
  selectors: string[][];
}

export interface Answer {
  outcome: number;
  /** Key of the outcome's variant; undefined = no result. */
  variant: string | undefined;
}

const encoder = new TextEncoder();
const align = (size: number) => (size + 15) & ~15;

export class ForeignHost {
  readonly memory: WebAssembly.Memory;
  readonly pages: number;
  readonly session: number;
  readonly names: Names;
  readonly steps: Step[] = [];
  /** What lies on the session's heap: where, and how many bytes. */
  readonly texts: [number, number][] = [];
  readonly #core: Core;
  readonly #heap: number;
  #epoch = 0;
  #top = 0;
  #context: unknown;

  constructor(module: WebAssembly.Module, image: Uint8Array) {
    this.session = align(IMAGE + image.byteLength);
    this.pages = Math.ceil(this.session / PAGE_SIZE) + 1;
    this.memory = new WebAssembly.Memory({ initial: this.pages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.#core = exports as unknown as Core;
    new Uint8Array(this.memory.buffer).set(image, IMAGE);
    if (this.#call("layoutVersion") !== L.LAYOUT_VERSION) throw new Error("another layout");
    if (this.#call("isSealed", IMAGE) !== 1) throw new Error("a damaged image");
    // One root, of an image without cohorts.
    this.#write(ROOT + ROOT_IMAGE, IMAGE);
    this.#write(STORE + STORE_CURRENT, ROOT);
    this.#heap = align(this.#call("sessionSize", IMAGE)!);
    this.#call("openSession", this.session, ROOT, SEAT);
    const { flagKeys, selectors } = this.#json(this.#word(IMAGE + L.IMAGE_NAMES), 0);
    this.names = { flagKeys, selectors };
  }

  /** From here on another user is evaluated. */
  begin(context: unknown): void {
    this.#context = context;
    this.#epoch += L.EPOCH_STEP;
    this.#top = this.#heap;
    this.#write(this.session + L.SESSION_EPOCH, this.#epoch);
  }

  /** One flag, by its key. */
  variant(flagKey: string): Answer {
    const flag = this.names.flagKeys.indexOf(flagKey);
    const outcome = this.#ask("runFlag", this.session, flag);
    return { outcome, variant: this.#variantOf(flag, outcome) };
  }

  /** All flags, in the order of their keys. */
  all(): Answer[] {
    const plan = this.session + this.#word(this.session + L.SESSION_PLAN);
    for (const flag of this.names.flagKeys.keys()) this.#write(plan + flag * L.U32, flag);
    this.#write(this.session + L.SESSION_PLAN_COUNT, this.names.flagKeys.length);
    this.#write(this.session + L.SESSION_CURSOR, 0);
    this.#ask("run", this.session);
    const outcomes = this.session + this.#word(this.session + L.SESSION_OUTCOMES);
    return this.names.flagKeys.map((_, flag) => {
      const at = outcomes + flag * L.U16;
      const word = this.#word(at & ~3);
      this.steps.push({ kind: "read", at: at & ~3, word });
      const outcome = at & 2 ? word >>> 16 : word & 0xffff;
      return { outcome, variant: this.#variantOf(flag, outcome) };
    });
  }

  #ask(name: string, ...args: number[]): number {
    for (;;) {
      const answer = this.#call(name, ...args)!;
      if (answer >= 0) return answer;
      const [index, what] = [-answer >>> 2, -answer & 3];
      if (what === L.REQUEST_SLOT) this.#fill(index);
      else if (what === L.REQUEST_PREDICATE) this.#decide(index);
      else throw new Error("another root");
    }
  }

  #valueOf(slot: number): unknown {
    const [, ...path] = this.names.selectors[slot];
    return path.reduce<unknown>(
      (at, name) => (at as Record<string, unknown>)?.[name],
      this.#context,
    );
  }

  #fill(slot: number): void {
    const value = this.#valueOf(slot);
    const state = this.#stateOf(slot);
    const needs = this.#word(
      IMAGE + this.#word(IMAGE + L.IMAGE_SLOTS) + slot * L.SLOT_SIZE + L.SLOT_NEEDS,
    );
    let tag = L.TAG_NULL;
    if (Array.isArray(value)) {
      tag = L.TAG_LIST;
      const values = (this.#top + 7) & ~7;
      this.#top = values + value.length * L.VALUE_SIZE;
      this.#write(state + L.STATE_COUNT, value.length);
      this.#write(state + L.STATE_RAW_COUNT, value.length);
      this.#write(state + L.STATE_VALUES, values);
      this.#write(state + L.STATE_BUCKET_BYTES, 0);
      for (const [i, text] of value.entries()) {
        this.#writeValue(this.session + values + i * L.VALUE_SIZE, text, needs);
      }
    } else if (typeof value === "string") {
      tag = L.TAG_TEXT;
      this.#writeValue(state + L.STATE_VALUE, value, needs);
      this.#setText(state + L.STATE_BUCKET, value);
    } else {
      this.#write(state + L.STATE_BUCKET_BYTES, 0);
    }
    this.#write(state + L.STATE_TAG, this.#epoch + tag);
  }

  #writeValue(at: number, text: string, needs: number): void {
    this.#setText(at + L.VALUE_TEXT, text);
    this.#setText(at + L.VALUE_EXACT, text);
    this.#write(at + L.VALUE_FLAGS, 0);
    this.#write(at + L.VALUE_ATOM, 0);
    if (needs & L.NEEDS_LOWER) this.#setText(at + L.VALUE_LOWER, text.toLowerCase());
    if (needs & L.NEEDS_NUMBER) {
      const words = new Uint32Array(new Float64Array([Number(text)]).buffer);
      this.#write(at + L.VALUE_NUMBER, words[0]);
      this.#write(at + L.VALUE_NUMBER + L.U32, words[1]);
    }
  }

  /** The core has no regular expressions. */
  #decide(predicate: number): void {
    const record = IMAGE + this.#word(IMAGE + L.IMAGE_PREDICATES) + predicate * L.PREDICATE_SIZE;
    const [, values] = this.#json(
      this.#word(record + L.PREDICATE_NAME),
      this.#word(record + L.PREDICATE_NAME_SIZE),
    );
    const text = this.#valueOf(this.#word(record + L.PREDICATE_SLOT)) as string;
    const isMatch = (values as string[]).some((value) => new RegExp(value).test(text));
    const memos = this.session + this.#word(this.session + L.SESSION_PREDICATES);
    const answer = isMatch ? L.PREDICATE_TRUE : L.PREDICATE_FALSE;
    this.#write(memos + predicate * L.U32, this.#epoch + answer);
  }

  #variantOf(flag: number, outcome: number): string | undefined {
    if (outcome === 0) return undefined;
    const record = IMAGE + this.#word(IMAGE + L.IMAGE_FLAGS) + flag * L.FLAG_SIZE;
    const outcomes = IMAGE + this.#word(record + L.FLAG_OUTCOMES);
    const at = outcomes + (outcome - 1) * L.OUTCOME_SIZE;
    return this.#json(this.#word(at + L.OUTCOME_VARIANT), this.#word(at + L.OUTCOME_VARIANT_SIZE))
      .key;
  }

  #stateOf(slot: number): number {
    return this.session + this.#word(this.session + L.SESSION_SLOTS) + slot * L.STATE_SIZE;
  }

  /** Bytes of the session that are in use. */
  get heapTop(): number {
    return this.#top;
  }

  /** Puts a text on the session's heap, its place and size at `at`. */
  #setText(at: number, text: string): void {
    const bytes = encoder.encode(text);
    this.texts.push([this.#top, bytes.length]);
    const words = new Uint32Array(Math.ceil(bytes.length / 4));
    new Uint8Array(words.buffer).set(bytes);
    this.#write(at, this.#top);
    this.#write(at + L.U32, bytes.length);
    for (const [i, word] of words.entries())
      this.#write(this.session + this.#top + i * L.U32, word);
    this.#top += words.length * L.U32;
  }

  #json(pointer: number, size: number) {
    const bytes = new Uint8Array(
      this.memory.buffer,
      IMAGE + pointer,
      size || this.#word(IMAGE + L.IMAGE_NAMES_SIZE),
    );
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  #call(name: string, ...args: number[]): number | undefined {
    const result = this.#core[name](...args);
    this.steps.push({ kind: "call", name, args, result });
    return result;
  }

  #word(at: number): number {
    return new DataView(this.memory.buffer).getUint32(at, true);
  }

  #write(at: number, word: number): void {
    this.steps.push({ kind: "write", at, word });
    new DataView(this.memory.buffer).setUint32(at, word, true);
  }
}
