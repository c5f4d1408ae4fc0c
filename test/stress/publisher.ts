// The owner of a stress run: publishes what the plan says, in all ways there are.
import { Engine } from "halyard/engine";
import type { Random } from "../random.ts";
import type { StressCounters } from "./counters.ts";
import { cohortId, groupTypeOf, type StressPlan } from "./plan.ts";

/** A cohort that comes in while others are published. */
interface Stream {
  publication: number;
  /** Lets the second half come. */
  finish: () => void;
  done: Promise<unknown>;
}

/** Publications ahead of its own that a stream begins. */
const STREAM_AHEAD = 5;

export interface PublisherOptions {
  engine: Engine;
  plan: StressPlan;
  random: Random;
  counters: StressCounters;
}

export class StressPublisher {
  readonly #engine: Engine;
  readonly #plan: StressPlan;
  readonly #random: Random;
  readonly #counters: StressCounters;
  /** Makes images. */
  readonly #compiler: Engine;
  #stream: Stream | undefined;
  count = 0;
  cohortVersions = 0;

  constructor({ engine, plan, random, counters }: PublisherOptions) {
    this.#engine = engine;
    this.#plan = plan;
    this.#random = random;
    this.#counters = counters;
    this.#compiler = Engine.loadSync(plan.flags(0));
  }

  /** The next one; answers its number. */
  async publish(): Promise<number> {
    const publication = this.count + 1;
    // Before, what takes its time: nobody may see it earlier.
    const flags = this.#plan.isConfig(publication) ? this.#flags(publication) : undefined;
    if (this.#random.chance(0.05)) await this.#failCohort();
    this.#counters.beginPublication(publication);
    if (flags) this.#engine.update(flags);
    else await this.#publishCohort(publication);
    this.#counters.endPublication(publication);
    this.count = publication;
    if (!this.#stream && this.#random.chance(0.1)) this.#openStream(publication + STREAM_AHEAD);
    return publication;
  }

  #flags(publication: number) {
    const flags = this.#plan.flags(publication);
    if (this.#random.chance(0.5)) return flags;
    this.#compiler.update(flags);
    return this.#compiler.toImage();
  }

  async #publishCohort(publication: number): Promise<void> {
    const cohort = this.#plan.cohortOf(publication);
    const stream = this.#stream;
    this.cohortVersions++;
    if (stream?.publication === publication) {
      this.#stream = undefined;
      stream.finish();
      await stream.done;
    } else if (this.#plan.isRemoval(publication)) this.#engine.removeCohort(cohortId(cohort));
    else {
      const members = this.#plan.members(publication);
      const counted = this.#random.chance(0.5) ? [...members] : members;
      this.#engine.setCohort(cohortId(cohort), groupTypeOf(cohort), counted);
    }
  }

  #openStream(publication: number): void {
    if (this.#plan.isConfig(publication) || this.#plan.isRemoval(publication)) return;
    let finish = () => {};
    const second = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const members = [...this.#plan.members(publication)];
    const half = members.length >>> 1;
    async function* trickle() {
      yield* members.slice(0, half);
      await second;
      yield* members.slice(half);
    }
    const cohort = this.#plan.cohortOf(publication);
    const done = this.#engine.setCohort(cohortId(cohort), groupTypeOf(cohort), trickle());
    this.#stream = { publication, finish, done };
  }

  /** One whose members end in an error changes nothing. */
  async #failCohort(): Promise<void> {
    const failure = new Error("on purpose");
    const plan = this.#plan;
    const publication = plan.isConfig(this.count + 1) ? this.count + 2 : this.count + 1;
    async function* failing() {
      yield* plan.members(publication);
      throw failure;
    }
    try {
      await this.#engine.setCohort("c0", "User", failing());
    } catch (error) {
      if (error === failure) return;
      throw error;
    }
    throw new Error("setCohort: expected the members' error, got none");
  }
}
