// A session: one evaluation at a time. Finds the values that the core asks for, decides what only
// the host can, and reads outcomes.

import * as L from "../../assembly/layout.ts";
import type { Config, Slot } from "./config.ts";
import { Encoder } from "./encoder.ts";
import type { EvaluationVariant } from "./flag.ts";
import type { Instance } from "./instance.ts";
import { select } from "./selector.ts";
import type { SlotValues } from "./slot-values.ts";
import { Variants } from "./variants.ts";

/** Instead of the length of a plan. */
const ALL = -1;

export class Session {
  readonly config: Config;
  readonly instance: Instance;
  readonly #slots: readonly Slot[];
  readonly #encoder: Encoder;
  readonly #outcomes: number;
  readonly #plan: number;
  #planCount = 0;
  #context: unknown;
  #values: SlotValues | undefined;

  constructor(config: Config) {
    this.config = config;
    this.instance = config.instance;
    this.#slots = config.slots;
    this.#encoder = new Encoder(config.instance, config.slots);
    this.#outcomes = this.#header(L.SESSION_OUTCOMES);
    this.#plan = this.#header(L.SESSION_PLAN);
  }

  /** Starts over with another user. */
  begin(context: unknown): void {
    this.#encoder.begin();
    // What a sweep has left the next sweep overwrites.
    if (this.#planCount !== ALL) this.#forgetOutcomes();
    this.#context = context;
  }

  /** As {@link begin}, for a user whose values are known by slot. */
  beginValues(values: SlotValues): void {
    this.begin(undefined);
    this.#values = values;
  }

  /** Forgets the user, so that the session keeps none of the caller's objects alive. */
  end(): void {
    this.#context = undefined;
    this.#values = undefined;
    this.#encoder.end();
  }

  /** One flag's variant for one user. */
  variantOf(context: unknown, flagKey: string): EvaluationVariant | undefined {
    const { config } = this;
    const flag = config.flags.find(flagKey);
    if (flag < 0) return undefined;
    this.begin(context);
    const plan = config.planOf(flag);
    if (plan) {
      this.runPlan(plan);
      return this.variant(flag);
    }
    // The slot it asks for first, whoever the user is: one request less.
    const slot = config.firstSlot(flag);
    if (slot >= 0) this.#fill(slot);
    return config.variants.get(flag, this.runAlone(flag));
  }

  /** Evaluates the flags of a plan, parents first. */
  runPlan(plan: Uint32Array): void {
    if (this.#planCount === ALL) this.#forgetOutcomes();
    this.#run(plan);
  }

  #run(plan: Uint32Array): void {
    const { core, views } = this.instance;
    const { base } = this.#encoder;
    views.u32.set(plan, (base + this.#plan) >>> 2);
    views.u32[(base + L.SESSION_PLAN_COUNT) >>> 2] = plan.length;
    views.u32[(base + L.SESSION_CURSOR) >>> 2] = 0;
    this.#planCount = plan.length;
    this.#ask(core.run);
  }

  /** Evaluates all flags. */
  runAll(): void {
    const { sweep, order } = this.config;
    if (!sweep) {
      this.runPlan(order);
      return;
    }
    try {
      for (const slot of sweep.slots) this.#fill(slot);
    } catch {
      // A getter that throws: only flag by flag it is known whether anybody asks for it.
      this.runPlan(order);
      return;
    }
    if (sweep.rest.length > 0) this.#forgetOutcomes();
    const { core, views } = this.instance;
    views.u32[(this.#encoder.base + L.SESSION_CURSOR) >>> 2] = 0;
    views.u32[(this.#encoder.base + L.SESSION_RESUME) >>> 2] = 0;
    this.#planCount = ALL;
    this.#ask(core.sweep);
    if (sweep.rest.length === 0) return;
    try {
      this.#run(sweep.rest);
    } finally {
      // Also if the context throws: the next user must not see what was swept for this one.
      this.#planCount = ALL;
    }
  }

  /** The outcome of a flag whose parents have been evaluated; no flag sees it, nor does itself. */
  runAlone(flag: number): number {
    if (this.#planCount === ALL) this.#forgetOutcomes();
    const { core } = this.instance;
    // As #ask, but by a call that V8 can inline: for one flag it is most of the work.
    let answer = core.runFlag(this.#encoder.base, flag);
    while (answer < 0) {
      this.#fulfil(-answer);
      answer = core.runFlag(this.#encoder.base, flag);
    }
    return answer;
  }

  outcome(flag: number): number {
    return this.instance.views.u16[this.#start + flag];
  }

  /** Copies all outcomes to `target` from `at` on. */
  copyAll(target: Uint16Array, at: number): void {
    const { u16 } = this.instance.views;
    const outcomes = this.#start;
    const { flagCount } = this.config;
    for (let flag = 0; flag < flagCount; flag++) target[at + flag] = u16[outcomes + flag];
  }

  /** Copies the outcomes of `flags` to `target` from `at` on; leaves out negative flags. */
  copyOutcomes(flags: Int32Array, target: Uint16Array, at: number): void {
    const { u16 } = this.instance.views;
    const outcomes = this.#start;
    for (let i = 0; i < flags.length; i++) {
      if (flags[i] >= 0) target[at + i] = u16[outcomes + flags[i]];
    }
  }

  /** A view of all outcomes, which outlives the session's next user. */
  variants(): Variants {
    const { config } = this;
    const address = this.#encoder.base + this.#outcomes;
    const start = config.slab.copy(this.instance.views.u32, address, config.flagCount);
    return new Variants(config, config.slab.outcomes, start);
  }

  /** All outcomes as a plain object, or those of a plan. */
  record(plan?: Uint32Array): Record<string, EvaluationVariant> {
    const { records } = this.config;
    const { u16 } = this.instance.views;
    return plan ? records.build(plan, u16, this.#start) : records.make(u16, this.#start);
  }

  /** For explaining: whether a predicate holds, decided now if it has not been. */
  decide(predicate: number): boolean {
    const known = this.#word(this.#memoOf(predicate)) - this.#encoder.epoch;
    if (known > 0) return known === L.PREDICATE_TRUE;
    return this.#ask(this.instance.core.decidePredicate, predicate) === L.PREDICATE_TRUE;
  }

  /** For explaining: the hash by which a segment buckets; undefined = nothing to hash. */
  bucketHash(segment: number, slot: number): number | undefined {
    const { core, image } = this.instance;
    this.#ask(core.bucketSegment, image + segment);
    const state = this.#encoder.stateOf(slot);
    const isHashed = this.#word(state + L.STATE_BUCKET_BYTES) > 0;
    return isHashed ? this.#header(L.SESSION_HASH) : undefined;
  }

  /** The value that a slot's selector finds. */
  value(slot: number): unknown {
    const { selector, source, isOfContext, read } = this.#slots[slot];
    if (isOfContext) {
      const value = this.#values ? this.#values.value(slot) : read(this.#context);
      return value ?? undefined;
    }
    if (source === L.FROM_RESULTS) return this.#results();
    if (source === L.FROM_NOWHERE) return undefined;
    const variant = this.variant(source);
    return variant && select(variant, selector, 2);
  }

  variant(flag: number): EvaluationVariant | undefined {
    return this.config.variants.get(flag, this.outcome(flag));
  }

  /** The results of the flags evaluated so far, as the selector ["result"] sees them. */
  #results(): Record<string, EvaluationVariant> {
    const plan = (this.#encoder.base + this.#plan) >>> 2;
    return this.record(this.instance.views.u32.subarray(plan, plan + this.#planCount));
  }

  /** Calls the core until its answer is no request; `argument` comes behind the session. */
  #ask(call: (session: number, argument: number) => number, argument = 0): number {
    let answer = call(this.#encoder.base, argument);
    while (answer < 0) {
      this.#fulfil(-answer);
      answer = call(this.#encoder.base, argument);
    }
    return answer;
  }

  #fulfil(request: number): void {
    const index = request >>> 2;
    if ((request & 3) === L.REQUEST_SLOT) this.#fill(index);
    else this.#answer(index);
  }

  #fill(slot: number): void {
    const { isOfContext, read } = this.#slots[slot];
    const isRead = isOfContext && !this.#values;
    this.#encoder.fill(slot, isRead ? read(this.#context) : this.value(slot));
  }

  #answer(predicate: number): void {
    const { config } = this;
    const record = config.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
    const { negated, matches } = config.matcher(predicate);
    const texts = this.#encoder.texts[config.u32(record + L.PREDICATE_SLOT)];
    const isMatch =
      typeof texts === "string"
        ? matches(texts) !== negated
        : texts?.some((text) => matches(text) !== negated);
    const answer = isMatch ? L.PREDICATE_TRUE : L.PREDICATE_FALSE;
    this.instance.views.u32[this.#memoOf(predicate) >>> 2] = this.#encoder.epoch + answer;
  }

  /** A flag that this user's plan lacks must not show the last user's outcome. */
  #forgetOutcomes(): void {
    if (this.#planCount === 0) return;
    const { u16, u32 } = this.instance.views;
    const outcomes = this.#start;
    if (this.#planCount === ALL) u16.fill(0, outcomes, outcomes + this.config.flagCount);
    const plan = (this.#encoder.base + this.#plan) >>> 2;
    for (let i = 0; i < this.#planCount; i++) u16[outcomes + u32[plan + i]] = 0;
    this.#planCount = 0;
  }

  /** Index of the first outcome among 16-bit words. */
  get #start(): number {
    return (this.#encoder.base + this.#outcomes) >>> 1;
  }

  /** Address of what is known of a predicate. */
  #memoOf(predicate: number): number {
    return this.#encoder.base + this.#header(L.SESSION_PREDICATES) + predicate * L.U32;
  }

  #header(field: number): number {
    return this.#word(this.#encoder.base + field);
  }

  #word(at: number): number {
    return this.instance.views.u32[at >>> 2];
  }
}
