// A session: one evaluation at a time. Finds the values that the core asks for, decides what only
// the host can, and reads outcomes.

import * as L from "../../assembly/layout.ts";
import { ROOT_COHORT_COUNT, ROOT_IMAGE, ROOT_TABLES } from "../../assembly/store-layout.ts";
import type { Config, Slot, SlotCohorts } from "./config.ts";
import { Encoder } from "./encoder.ts";
import { CoreError } from "./errors.ts";
import type { EvaluationVariant } from "./flag.ts";
import { matchesAny } from "./host-predicate.ts";
import type { Instance } from "./instance.ts";
import type { Memory } from "./memory.ts";
import type { Seat } from "./seat.ts";
import { select } from "./selector.ts";
import { SessionOutcomes } from "./session-outcomes.ts";
import type { SlotValues } from "./slot-values.ts";

/** Thrown where the store has another root: nothing has been answered, begin again on that. */
export const SWITCH = new Error("the store has another root");

export class Session {
  readonly config: Config;
  readonly instance: Instance;
  readonly seat: Seat;
  /** Its seat has another session, or none. */
  isClosed = false;
  #root: number;
  readonly #memory: Memory;
  readonly #slots: readonly Slot[];
  readonly #encoder: Encoder;
  readonly outcomes: SessionOutcomes;
  #context: unknown;
  #values: SlotValues | undefined;

  /** On a root of the config's image, which the seat names. */
  constructor(config: Config, instance: Instance, seat: Seat, root: number) {
    this.config = config;
    this.instance = instance;
    this.seat = seat;
    this.#root = root;
    this.#memory = instance.memory;
    // In memory of its own, from which a trap could not take it.
    if (!this.#memory.isShared) void config.imageBytes;
    this.#slots = config.slots;
    const image = this.#word(root + ROOT_IMAGE);
    this.#encoder = new Encoder({ instance, seat, image, root, slots: config.slots });
    this.outcomes = new SessionOutcomes(config, this.#memory, this.#encoder);
  }

  get root(): number {
    return this.#root;
  }

  /** Holds on to the root until {@link end}; false = the store has another one. */
  hold(): boolean {
    if (this.#header(L.SESSION_STANCE) === L.STANCE_HELD) return true;
    return this.instance.core.hold(this.#encoder.base) !== 0;
  }

  /** As {@link hold}; throws {@link SWITCH} instead. */
  mustHold(): void {
    if (!this.hold()) throw SWITCH;
  }

  /** As {@link hold}, on a root of the same image that its seat holds. */
  holdOn(root: number): void {
    this.moveTo(root);
    this.#setWord(L.SESSION_STANCE, L.STANCE_HELD);
  }

  /** Between evaluations, on another root of the same image. */
  rest(root: number): void {
    this.moveTo(root);
    this.seat.rest(root);
  }

  /** On a root of the same image that its seat holds, in no evaluation. */
  moveTo(root: number): void {
    this.#root = root;
    this.#setWord(L.SESSION_ROOT, root);
    this.#setWord(L.SESSION_STANCE, L.STANCE_OUT);
  }

  #setWord(field: number, value: number): void {
    this.#memory.views.u32[(this.#encoder.base + field) >>> 2] = value;
  }

  /** Starts over with another user. */
  begin(context: unknown): void {
    this.#encoder.begin();
    this.outcomes.begin();
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
    if (this.#header(L.SESSION_STANCE) !== L.STANCE_OUT) {
      this.instance.core.release(this.#encoder.base);
    }
  }

  /** One flag's variant for one user. */
  variantOf(context: unknown, flagKey: string): EvaluationVariant | undefined {
    const { config } = this;
    const flag = config.flags.find(flagKey);
    if (flag < 0) {
      // There is none, unless the store has another root.
      this.mustHold();
      return undefined;
    }
    this.begin(context);
    const plan = config.planOf(flag);
    if (plan) {
      this.runPlan(plan);
      return this.outcomes.variant(flag);
    }
    // The slot it asks for first, whoever the user is: one request less.
    const slot = config.firstSlot(flag);
    if (slot >= 0) this.#fill(slot);
    return config.variants.get(flag, this.runAlone(flag));
  }

  /** Evaluates the flags of a plan, parents first. */
  runPlan(plan: Uint32Array): void {
    this.outcomes.forgetAll();
    this.#run(plan);
  }

  #run(plan: Uint32Array): void {
    this.outcomes.expect(plan);
    this.#setWord(L.SESSION_CURSOR, 0);
    this.#ask(this.instance.core.run);
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
    } catch (error) {
      if (isExhausted(error)) throw error;
      // A getter that throws: only flag by flag it is known whether anybody asks for it.
      this.runPlan(order);
      return;
    }
    if (sweep.rest.length > 0) this.outcomes.forget();
    this.#setWord(L.SESSION_CURSOR, 0);
    this.#setWord(L.SESSION_RESUME, 0);
    this.outcomes.expectAll();
    this.#ask(this.instance.core.sweep);
    if (sweep.rest.length === 0) return;
    try {
      this.#run(sweep.rest);
    } finally {
      // Also if the context throws: the next user must not see what was swept for this one.
      this.outcomes.expectAll();
    }
  }

  /** The outcome of a flag whose parents have been evaluated; no flag sees it, nor does itself. */
  runAlone(flag: number): number {
    this.outcomes.forgetAll();
    const { core } = this.instance;
    // As #ask, but by a call that V8 can inline: for one flag it is most of the work.
    let answer = core.runFlag(this.#encoder.base, flag);
    while (answer < 0) {
      this.#fulfil(-answer);
      answer = core.runFlag(this.#encoder.base, flag);
    }
    return answer;
  }

  /** For explaining: whether a predicate holds, decided now if it has not been. */
  decide(predicate: number): boolean {
    const known = this.#word(this.#memoOf(predicate)) - this.#encoder.epoch;
    if (known > 0) return known === L.PREDICATE_TRUE;
    return this.#ask(this.instance.core.decidePredicate, predicate) === L.PREDICATE_TRUE;
  }

  /** For explaining: the hash by which a segment buckets; undefined = nothing to hash. */
  bucketHash(segment: number, slot: number): number | undefined {
    const image = this.#header(L.SESSION_IMAGE);
    this.#ask(this.instance.core.bucketSegment, image + segment);
    const state = this.#encoder.stateOf(slot);
    const isHashed = this.#word(state + L.STATE_BUCKET_BYTES) > 0;
    return isHashed ? this.#header(L.SESSION_HASH) : undefined;
  }

  /** The value that a slot's selector finds, or the ids of the cohorts instead. */
  value(slot: number): unknown {
    const value = this.#givenValue(slot);
    const { cohorts } = this.#slots[slot];
    return value === undefined && cohorts ? this.#cohortIds(slot, cohorts) : value;
  }

  /** Whether the engine has a cohort of the image. */
  hasCohort(cohort: number): boolean {
    const at = this.#root + ROOT_TABLES + cohort * L.U32;
    this.#memory.reach(at + L.U32);
    return this.#word(at) !== 0;
  }

  #givenValue(slot: number): unknown {
    const { selector, source, isOfContext, read } = this.#slots[slot];
    if (isOfContext) {
      const value = this.#values ? this.#values.value(slot) : read(this.#context);
      return value ?? undefined;
    }
    if (source === L.FROM_RESULTS) return this.outcomes.results();
    if (source === L.FROM_NOWHERE) return undefined;
    const variant = this.outcomes.variant(source);
    return variant && select(variant, selector, 2);
  }

  /** Who is looked up in a slot's cohorts; undefined = nobody. */
  #memberOf({ member }: SlotCohorts): unknown {
    if (this.#values?.hasCohorts || this.#word(this.#root + ROOT_COHORT_COUNT) === 0) {
      return undefined;
    }
    return this.#givenValue(member) || undefined;
  }

  /** As the Amplitude Node SDK fills them in: for a group undefined instead of none. */
  #cohortIds(slot: number, cohorts: SlotCohorts): string[] | undefined {
    const { start, ids, isOfGroup } = cohorts;
    const member = this.#memberOf(cohorts);
    if (member === undefined) return undefined;
    const found = typeof member === "string" ? this.#lookUp(slot, member, start, ids) : [];
    return isOfGroup && found.length === 0 ? undefined : found;
  }

  #lookUp(slot: number, member: string, start: number, ids: readonly string[]): string[] {
    this.mustHold();
    if (!this.#encoder.isFilled(slot)) this.#encoder.fillMember(slot, member);
    const { core } = this.instance;
    const { base } = this.#encoder;
    return ids.filter((_, index) => core.isSlotMember(base, slot, start + index) !== 0);
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
    const what = request & 3;
    if (what === L.REQUEST_SLOT) this.#fill(index);
    else if (what === L.REQUEST_PREDICATE) this.#answer(index);
    else throw SWITCH;
  }

  #fill(slot: number): void {
    const { isOfContext, read, cohorts } = this.#slots[slot];
    const isRead = isOfContext && !this.#values;
    const value = isRead ? read(this.#context) : this.#givenValue(slot);
    if (cohorts && (value === undefined || value === null)) this.#fillCohorts(slot, cohorts);
    else this.#encoder.fill(slot, value);
  }

  #fillCohorts(slot: number, cohorts: SlotCohorts): void {
    const member = this.#memberOf(cohorts);
    if (typeof member === "string" && this.#slots[slot].needs & L.NEEDS_MEMBER) {
      this.#encoder.fillMember(slot, member);
    } else {
      this.#encoder.fill(slot, this.#cohortIds(slot, cohorts));
    }
  }

  #answer(predicate: number): void {
    const { config } = this;
    const record = config.record(L.IMAGE_PREDICATES, predicate, L.PREDICATE_SIZE);
    const texts = this.#encoder.texts[config.u32(record + L.PREDICATE_SLOT)];
    const isMatch = matchesAny(config.matcher(predicate), texts);
    const answer = isMatch ? L.PREDICATE_TRUE : L.PREDICATE_FALSE;
    this.#memory.views.u32[this.#memoOf(predicate) >>> 2] = this.#encoder.epoch + answer;
  }

  /** Address of what is known of a predicate. */
  #memoOf(predicate: number): number {
    return this.#encoder.base + this.#header(L.SESSION_PREDICATES) + predicate * L.U32;
  }

  #header(field: number): number {
    return this.#word(this.#encoder.base + field);
  }

  #word(at: number): number {
    return this.#memory.views.u32[at >>> 2];
  }
}

/** Whether a getter has evaluated, whose getter has evaluated ...: each trying twice has no end. */
function isExhausted(error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  return error instanceof CoreError || /call stack|too much recursion/.test(message);
}
