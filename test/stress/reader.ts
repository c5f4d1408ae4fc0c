// A reader of a stress run: asks an attached engine in all ways, and knows what must come.
import { Engine, type EngineHandle, type EvaluationContext } from "halyard/engine";
import type { Random } from "../random.ts";
import type { StressCounters } from "./counters.ts";
import { type Mismatch, StressJudge } from "./judge.ts";
import {
  contextOf,
  flagKey,
  PERSON_COUNT,
  type Person,
  personsAsColumns,
  type StressPlan,
} from "./plan.ts";

/** An answer that no publication explains which may be live. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** An answer that is looked at later, when its config has been replaced. */
interface Deferred {
  what: string;
  low: number;
  high: number;
  mismatch: Mismatch;
}

const DEFERRED_MAX = 20;
const ENGINES_MAX = 4;
/** Beyond the last flag of most configs. */
const FLAGS_ASKED = 40;

export interface ReaderOptions {
  /** Its place among the counters. */
  index: number;
  handle: EngineHandle;
  plan: StressPlan;
  random: Random;
  counters: StressCounters;
}

export class StressReader {
  readonly #index: number;
  readonly #handle: EngineHandle;
  readonly #judge: StressJudge;
  readonly #random: Random;
  readonly #counters: StressCounters;
  readonly #engines: Engine[] = [];
  readonly #deferred: Deferred[] = [];
  /** The latest publication that an answer was surely of. */
  #seen = 0;

  constructor({ index, handle, plan, random, counters }: ReaderOptions) {
    this.#index = index;
    this.#handle = handle;
    this.#judge = new StressJudge(plan);
    this.#random = random;
    this.#counters = counters;
    this.#attach();
  }

  #attach(): void {
    const start = performance.now();
    this.#engines.push(Engine.attach(this.#handle));
    this.#counters.noteAttach(this.#index, performance.now() - start);
  }

  /** Asks in one way, by chance. */
  async step(): Promise<void> {
    const { engine, person } = this;
    const roll = this.#random.int(100);
    if (roll < 40) this.#askVariant(engine, person);
    else if (roll < 50) this.#askAll(engine, person);
    else if (roll < 60) this.#askSome(engine, person);
    else if (roll < 68) this.#askWhy(engine, person);
    else if (roll < 74) this.#askPinned(engine, person);
    else if (roll < 82) this.#askMany(engine);
    else if (roll < 84) await this.#askManyAsync(engine);
    else if (roll < 88) this.#askNested(engine, person);
    else if (roll < 91) this.#askNames(engine);
    else if (roll < 97) this.#checkDeferred();
    else if (roll < 98) this.#sleep(engine, person);
    else this.#attachOrLeave();
    this.#counters.countStep(this.#index);
  }

  get engine(): Engine {
    return this.#random.pick(this.#engines);
  }

  get person(): Person {
    const { int, chance } = this.#random;
    const person: Person = { user: int(PERSON_COUNT), group: int(PERSON_COUNT) };
    if (chance(0.1)) person.given = chance(0.3) ? [] : [`c${int(8)}`, `c${int(8)}`];
    return person;
  }

  get #flag(): number {
    return this.#random.int(FLAGS_ASKED);
  }

  /** Gives all seats back. */
  leave(): void {
    for (const engine of this.#engines) engine[Symbol.dispose]();
  }

  /** Calls `ask`, and expects an answer that one publication explains which was live meanwhile. */
  #expect(what: string, ask: () => Mismatch, isDeferred = false): void {
    const low = this.#floor;
    const mismatch = ask();
    this.#settle(what, low, mismatch, isDeferred);
  }

  /** The oldest publication of which an answer may be that is asked for now. */
  get #floor(): number {
    return Math.max(this.#seen, this.#counters.floor);
  }

  #settle(what: string, low: number, mismatch: Mismatch, isDeferred = false): void {
    this.#counters.countEvaluation(this.#index);
    const deferred = { what, low, high: this.#counters.ceiling, mismatch };
    if (!isDeferred) this.#seen = Math.max(this.#seen, this.#check(deferred));
    else {
      if (this.#deferred.length === DEFERRED_MAX) this.#checkDeferred();
      this.#deferred.push({ ...deferred, what: `${what}, read later` });
    }
  }

  /** The first publication that explains it. */
  #check({ what, low, high, mismatch }: Deferred): number {
    const reasons: string[] = [];
    for (let publication = low; publication <= high; publication++) {
      const reason = mismatch(publication);
      if (reason === undefined) return publication;
      reasons.push(`not of ${publication}: ${reason}`);
    }
    // A few older ones, to tell an answer that comes late from one of no publication at all.
    for (let publication = low - 1; publication >= Math.max(0, low - 300); publication--) {
      if (mismatch(publication) === undefined) reasons.push(`it would be of ${publication}`);
    }
    const shown = reasons.slice(0, 8).join("\n  ");
    throw new Violation(`${what}: no publication of ${low}..${high} explains it\n  ${shown}`);
  }

  #checkDeferred(): void {
    const deferred = this.#deferred.shift();
    if (deferred) this.#check(deferred);
  }

  #askVariant(engine: Engine, person: Person): void {
    const context = contextOf(person);
    for (let round = 0; round < 10; round++) {
      const flag = this.#flag;
      this.#expect("variant", () => this.#variantOf(engine, context, person, flag));
    }
  }

  #askAll(engine: Engine, person: Person): void {
    const ask = () => {
      const variants = engine.evaluateAll(contextOf(person));
      return (publication: number) => this.#judge.all(publication, person, variants);
    };
    this.#expect("evaluateAll", ask, this.#random.chance(0.3));
  }

  #askSome(engine: Engine, person: Person): void {
    const flags = this.#random.chance(0.2) ? [] : this.#random.times(5, () => this.#flag);
    this.#expect("evaluate", () => {
      const record = engine.evaluate(contextOf(person), flags.map(flagKey));
      return this.#judge.some(person, flags, record);
    });
  }

  #askWhy(engine: Engine, person: Person): void {
    const flag = this.#flag;
    this.#expect("explain", () => {
      const explanation = engine.explain(contextOf(person), flagKey(flag));
      return (publication) => this.#judge.explanation(publication, person, flag, explanation);
    });
  }

  #askPinned(engine: Engine, person: Person): void {
    const ask = () => {
      const pinned = engine.pin(contextOf(person));
      return this.#judge.pinned(pinned, person, this.#flag, this.#random.chance(0.2));
    };
    this.#expect("pin", ask, this.#random.chance(0.5));
  }

  #askMany(engine: Engine): void {
    const { chance, int, times } = this.#random;
    const persons = times(1 + int(chance(0.05) ? 2000 : 20), () => this.person);
    // A column of ids has nobody who brings cohorts.
    const plain = persons.map(({ user, group }) => ({ user, group }));
    const byColumn = chance(0.5);
    const flags = chance(0.5) ? times(5, () => this.#flag) : undefined;
    const ask = () => {
      const many = byColumn
        ? engine.evaluateMany(personsAsColumns(plain), flags?.map(flagKey))
        : engine.evaluateMany(persons.map(contextOf), flags?.map(flagKey));
      return this.#judge.many(byColumn ? plain : persons, flags, (row, key) => many.at(row, key));
    };
    this.#expect("evaluateMany", ask, chance(0.2));
  }

  async #askManyAsync(engine: Engine): Promise<void> {
    const persons = this.#random.times(1 + this.#random.int(20), () => this.person);
    const low = this.#floor;
    const many = await engine.evaluateMany(this.#trickle(persons));
    const mismatch = this.#judge.many(persons, undefined, (row, key) => many.at(row, key));
    this.#settle("evaluateMany, async", low, mismatch);
  }

  /** Persons one by one; in between others are evaluated, and publications pass by. */
  async *#trickle(persons: readonly Person[]) {
    for (const person of persons) {
      if (this.#random.chance(0.5)) await new Promise((next) => setImmediate(next));
      if (this.#random.chance(0.3)) this.#askVariant(this.engine, this.person);
      yield contextOf(person);
    }
  }

  /** The context asks, too, while it is read. */
  #askNested(engine: Engine, person: Person): void {
    const flag = this.#flag;
    const { user, groups } = contextOf(person);
    const ask = () => {
      if (this.#random.chance(0.5)) this.#askVariant(engine, this.person);
      else if (this.#random.chance(0.3)) this.#askNested(engine, this.person);
      else this.#askAll(this.engine, this.person);
    };
    const context = {
      get user() {
        ask();
        return user;
      },
      groups,
    };
    this.#expect("variant, nested", () => this.#variantOf(engine, context, person, flag));
  }

  #variantOf(engine: Engine, context: EvaluationContext, person: Person, flag: number): Mismatch {
    const variant = engine.variant(context, flagKey(flag));
    return (publication) => this.#judge.variant(publication, person, flag, variant);
  }

  #askNames(engine: Engine): void {
    this.#expect("flagKeys", () => this.#judge.flagCount(engine.flagKeys.length));
    this.#expect("warnings", () => this.#judge.warningCount(engine.warnings.length));
  }

  /** Idle on a root that gets old, between evaluations or in one. */
  #sleep(engine: Engine, person: Person): void {
    const { counters, milliseconds } = { counters: this.#counters, milliseconds: this.#pause };
    if (this.#random.chance(0.7)) {
      counters.sleep(milliseconds);
      return;
    }
    const { user, groups } = contextOf(person);
    const context = {
      user: {
        ...user,
        get user_id() {
          counters.sleep(milliseconds / 4);
          return user.user_id;
        },
      },
      groups,
    };
    const flag = this.#flag;
    this.#expect("variant, slow", () => this.#variantOf(engine, context, person, flag));
  }

  get #pause(): number {
    return this.#random.chance(0.1) ? 400 : this.#random.int(20);
  }

  #attachOrLeave(): void {
    if (this.#engines.length < ENGINES_MAX && this.#random.chance(0.6)) this.#attach();
    else {
      // One that is disposed of goes on when it is asked again.
      const engine = this.engine;
      engine[Symbol.dispose]();
      if (this.#engines.length > 1 && this.#random.chance(0.7)) {
        this.#engines.splice(this.#engines.indexOf(engine), 1);
      }
    }
  }
}
