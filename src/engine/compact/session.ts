// One evaluation at a time, in memory of its own: finds the values that the core asks for, and
// decides what only the host can.

import * as L from "../../../assembly/layout.ts";
import type { CoreModule } from "../core.ts";
import { Encoder } from "../encoder.ts";
import type { EvaluationVariant } from "../flag.ts";
import { matchesAny } from "../host-predicate.ts";
import type { CoreExports } from "../instance.ts";
import { Memory, pagesFor } from "../memory.ts";
import { select } from "../selector.ts";
import type { SessionPlace } from "../session-place.ts";
import type { Config } from "./config.ts";

/** The exports of the compact core (assembly/compact.ts). */
type CompactCore = Pick<CoreExports, "openSession" | "sessionSize" | "run" | "runFlag">;

const IMAGE = L.MEMORY_START;

/** All memory behind the image. */
class Tail implements SessionPlace {
  readonly address = 0;
  readonly region: number;
  regionSize: number;
  readonly #memory: Memory;

  constructor(memory: Memory, start: number) {
    this.#memory = memory;
    this.region = start;
    this.regionSize = memory.size - start;
  }

  reserve(size: number): void {
    const missing = size - this.regionSize;
    if (missing <= 0) return;
    this.#memory.add(missing);
    this.regionSize = this.#memory.size - this.region;
  }
}

export class Session {
  readonly #config: Config;
  readonly #memory: Memory;
  readonly #core: CompactCore;
  readonly #encoder: Encoder;
  readonly #outcomes: number;
  readonly #plan: number;
  readonly #predicates: number;
  #context: unknown;
  #planned: Uint32Array = NOTHING;

  constructor(module: CoreModule, config: Config) {
    const { image, slots } = config;
    const end = (IMAGE + image.length + 15) & ~15;
    const memory = new Memory(module.makeMemory(pagesFor(end)), false);
    const core = module.instantiate(memory.core) as unknown as CompactCore;
    memory.views.u8.set(image, IMAGE);
    const seat = new Tail(memory, end);
    this.#config = config;
    this.#memory = memory;
    this.#core = core;
    const instance = { core, memory };
    this.#encoder = new Encoder({ instance, seat, image: IMAGE, root: IMAGE, slots });
    this.#outcomes = this.#header(L.SESSION_OUTCOMES);
    this.#plan = this.#header(L.SESSION_PLAN);
    this.#predicates = this.#header(L.SESSION_PREDICATES);
  }

  /** The variants of the asked flags and their ancestors, by key; of all for no keys. */
  evaluate(context: unknown, flagKeys?: readonly string[]): Record<string, EvaluationVariant> {
    const config = this.#config;
    this.#run(context, flagKeys?.length ? config.planOfKeys(flagKeys) : config.order);
    return this.#results();
  }

  /** One flag's variant. */
  variant(context: unknown, flagKey: string): EvaluationVariant | undefined {
    const config = this.#config;
    const flag = config.find(flagKey);
    if (flag === undefined) return undefined;
    const plan = config.planOf(flag);
    if (plan) {
      this.#run(context, plan);
      return config.variants.get(flag, this.#outcomesByFlag[flag]);
    }
    this.#begin(context);
    return config.variants.get(
      flag,
      this.#ask((session) => this.#core.runFlag(session, flag)),
    );
  }

  /** Forgets the user, so that it keeps none of the caller's objects alive. */
  end(): void {
    this.#context = undefined;
    this.#encoder.end();
  }

  #begin(context: unknown): void {
    this.#context = context;
    this.#encoder.begin();
    if (this.#planned !== NOTHING) this.#forget();
  }

  /** No flag must see the last user's outcomes. */
  #forget(): void {
    const outcomes = this.#outcomesByFlag;
    for (const flag of this.#planned) outcomes[flag] = 0;
    this.#planned = NOTHING;
  }

  #run(context: unknown, plan: Uint32Array): void {
    this.#begin(context);
    this.#planned = plan;
    const { u32 } = this.#memory.views;
    const { base } = this.#encoder;
    u32.set(plan, (base + this.#plan) >>> 2);
    u32[(base + L.SESSION_PLAN_COUNT) >>> 2] = plan.length;
    u32[(base + L.SESSION_CURSOR) >>> 2] = 0;
    this.#ask(this.#core.run);
  }

  /** Calls the core until its answer is no request. */
  #ask(call: (session: number) => number): number {
    const { base } = this.#encoder;
    let answer = call(base);
    while (answer < 0) {
      const index = -answer >>> 2;
      if ((-answer & 3) === L.REQUEST_SLOT) this.#encoder.fill(index, this.#value(index));
      else this.#decide(index);
      answer = call(base);
    }
    return answer;
  }

  /** What a slot's selector finds. */
  #value(slot: number): unknown {
    const { selector, source } = this.#config.slots[slot];
    if (source === L.FROM_CONTEXT) return select(this.#context, selector, 1);
    if (source === L.FROM_RESULTS) return this.#results();
    if (source === L.FROM_NOWHERE) return undefined;
    const variant = this.#config.variants.get(source, this.#outcomesByFlag[source]);
    return variant && select(variant, selector, 2);
  }

  /** A predicate that only the host can decide. */
  #decide(predicate: number): void {
    const { slot, matcher } = this.#config.matcher(predicate);
    const isMatch = matchesAny(matcher, this.#encoder.texts[slot]);
    const { base, epoch } = this.#encoder;
    const memo = base + this.#predicates + predicate * L.U32;
    this.#memory.views.u32[memo >>> 2] = epoch + (isMatch ? L.PREDICATE_TRUE : L.PREDICATE_FALSE);
  }

  /** Of the flags evaluated so far. */
  #results(): Record<string, EvaluationVariant> {
    return this.#config.record(this.#planned, this.#outcomesByFlag);
  }

  get #outcomesByFlag(): Uint16Array {
    const start = (this.#encoder.base + this.#outcomes) >>> 1;
    return this.#memory.views.u16.subarray(start, start + this.#config.flagCount);
  }

  #header(field: number): number {
    return this.#memory.views.u32[(this.#encoder.base + field) >>> 2];
  }
}

const NOTHING = new Uint32Array(0);
