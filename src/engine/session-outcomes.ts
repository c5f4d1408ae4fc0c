// The outcomes of a session: of which flags there are any, and in which form they are handed out.

import * as L from "../../assembly/layout.ts";
import type { Config } from "./config.ts";
import type { Encoder } from "./encoder.ts";
import type { EvaluationVariant } from "./flag.ts";
import type { Memory } from "./memory.ts";
import { Variants } from "./variants.ts";

/** Instead of the length of a plan. */
const ALL = -1;

export class SessionOutcomes {
  readonly #config: Config;
  readonly #memory: Memory;
  readonly #encoder: Encoder;
  readonly #outcomes: number;
  readonly #plan: number;
  #planCount = 0;

  constructor(config: Config, memory: Memory, encoder: Encoder) {
    this.#config = config;
    this.#memory = memory;
    this.#encoder = encoder;
    const word = (field: number) => memory.views.u32[(encoder.base + field) >>> 2];
    this.#outcomes = word(L.SESSION_OUTCOMES);
    this.#plan = word(L.SESSION_PLAN);
  }

  /** Another user: what a sweep has left the next sweep overwrites. */
  begin(): void {
    if (this.#planCount !== ALL) this.forget();
  }

  /** All flags are going to have one. */
  expectAll(): void {
    this.#planCount = ALL;
  }

  /** What a sweep has left must not be seen by flags that are run one by one. */
  forgetAll(): void {
    if (this.#planCount === ALL) this.forget();
  }

  /** These flags are going to have one. */
  expect(plan: Uint32Array): void {
    const { u32 } = this.#memory.views;
    const { base } = this.#encoder;
    u32.set(plan, (base + this.#plan) >>> 2);
    u32[(base + L.SESSION_PLAN_COUNT) >>> 2] = plan.length;
    this.#planCount = plan.length;
  }

  /** A flag that this user's plan lacks must not show the last user's outcome. */
  forget(): void {
    if (this.#planCount === 0) return;
    const { u16 } = this.#memory.views;
    const outcomes = this.#start;
    if (this.#planCount === ALL) u16.fill(0, outcomes, outcomes + this.#config.flagCount);
    for (const flag of this.#planned) u16[outcomes + flag] = 0;
    this.#planCount = 0;
  }

  of(flag: number): number {
    return this.#memory.views.u16[this.#start + flag];
  }

  variant(flag: number): EvaluationVariant | undefined {
    return this.#config.variants.get(flag, this.of(flag));
  }

  /** Copies all outcomes to `target` from `at` on. */
  copyAll(target: Uint16Array, at: number): void {
    const { u16 } = this.#memory.views;
    const outcomes = this.#start;
    const { flagCount } = this.#config;
    for (let flag = 0; flag < flagCount; flag++) target[at + flag] = u16[outcomes + flag];
  }

  /** Copies the outcomes of `flags` to `target` from `at` on; leaves out negative flags. */
  copy(flags: Int32Array, target: Uint16Array, at: number): void {
    const { u16 } = this.#memory.views;
    const outcomes = this.#start;
    for (let i = 0; i < flags.length; i++) {
      if (flags[i] >= 0) target[at + i] = u16[outcomes + flags[i]];
    }
  }

  /** A view of all outcomes, which outlives the session's next user. */
  view(): Variants {
    const config = this.#config;
    config.lend();
    const address = this.#encoder.base + this.#outcomes;
    const start = config.slab.copy(this.#memory.views.u32, address, config.flagCount);
    return new Variants(config, config.slab.outcomes, start);
  }

  /** All outcomes as a plain object, or those of a plan. */
  record(plan?: Uint32Array): Record<string, EvaluationVariant> {
    const { records } = this.#config;
    const { u16 } = this.#memory.views;
    return plan ? records.build(plan, u16, this.#start) : records.make(u16, this.#start);
  }

  /** The results of the flags evaluated so far, as the selector ["result"] sees them. */
  results(): Record<string, EvaluationVariant> {
    return this.record(this.#planned);
  }

  get #planned(): Uint32Array {
    const plan = (this.#encoder.base + this.#plan) >>> 2;
    return this.#memory.views.u32.subarray(plan, plan + Math.max(this.#planCount, 0));
  }

  /** Index of the first outcome among 16-bit words. */
  get #start(): number {
    return (this.#encoder.base + this.#outcomes) >>> 1;
  }
}
