// Many users at once, into one matrix of outcomes.

import type { Attachment } from "./attachment.ts";
import { type Columns, ColumnUsers } from "./columns.ts";
import type { Config } from "./config.ts";
import { ContextError, CoreError, describe } from "./errors.ts";
import type { EvaluationContext } from "./flag.ts";
import { Outcomes } from "./outcomes.ts";
import type { Session } from "./session.ts";

type Contexts = Iterable<EvaluationContext> | AsyncIterable<EvaluationContext>;

const ROWS_INITIAL = 64;
/** 4 GiB. */
const MATRIX_LENGTH_MAX = 2 ** 31;

function isIterable(users: object): users is Iterable<EvaluationContext> {
  return Symbol.iterator in users;
}

function isAsyncIterable(users: object): users is AsyncIterable<EvaluationContext> {
  return Symbol.asyncIterator in users;
}

/** One call of `engine.evaluateMany`. */
export class Batch {
  readonly #attachment: Attachment;
  /** Held: all rows are of one root. */
  #session: Session;
  readonly #config: Config;
  readonly #flagKeys: readonly string[];
  /** By column; -1 = there is no such flag, the column stays 0. */
  readonly #flags: Int32Array;
  /** undefined = all flags */
  readonly #plan: Uint32Array | undefined;
  /** The user who is evaluated, unless columns are. */
  #context: EvaluationContext | undefined;
  #columns: ColumnUsers | undefined;
  #outcomes = new Uint16Array(0);
  #count = 0;

  /** @param flagKeys - undefined or empty = all */
  constructor(attachment: Attachment, flagKeys: readonly string[] | undefined) {
    const keys = flagKeys?.length ? [...flagKeys] : undefined;
    this.#attachment = attachment;
    this.#session = attachment.hold();
    const { config } = this.#session;
    this.#config = config;
    this.#flagKeys = keys ?? config.names.flagKeys;
    this.#flags = Int32Array.from(this.#flagKeys, (key) => config.flags.find(key));
    if (keys) this.#plan = config.planOfKeys(keys);
  }

  evaluate(users: Contexts | Columns): Outcomes | Promise<Outcomes> {
    if (typeof users === "object" && users !== null && isAsyncIterable(users)) {
      return this.#evaluateStream(users);
    }
    try {
      return this.#evaluateNow(users);
    } finally {
      this.#attachment.giveBack(this.#session);
    }
  }

  #evaluateNow(users: Iterable<EvaluationContext> | Columns): Outcomes {
    if (typeof users !== "object" || users === null) {
      throw new ContextError(`users: expected contexts or columns, got ${describe(users)}`);
    }
    if (isIterable(users)) this.#evaluateContexts(users);
    else this.#evaluateColumns(users);
    return this.#finish();
  }

  #evaluateContexts(contexts: Iterable<EvaluationContext>): void {
    if (Array.isArray(contexts)) this.#resize(contexts.length);
    for (const context of contexts) {
      this.#context = context;
      this.#addRow();
    }
  }

  #evaluateColumns(columns: Columns): void {
    const users = new ColumnUsers(columns, this.#config.slots);
    this.#columns = users;
    this.#resize(users.count);
    for (; users.row < users.count; users.row++) this.#addRow();
  }

  async #evaluateStream(contexts: AsyncIterable<EvaluationContext>): Promise<Outcomes> {
    try {
      for await (const context of contexts) {
        this.#context = context;
        this.#addRow();
      }
      return this.#finish();
    } finally {
      this.#attachment.giveBack(this.#session);
    }
  }

  #addRow(): void {
    const needed = (this.#count + 1) * this.#flags.length;
    if (needed > this.#outcomes.length) this.#resize(Math.max(ROWS_INITIAL, this.#count * 2));
    try {
      this.#evaluateRow(this.#session);
    } catch (error) {
      this.#replaceSession(error);
      this.#evaluateRow(this.#session);
    }
    this.#count++;
  }

  /** It has trapped: the rest is evaluated with another one, if that is of the same config. */
  #replaceSession(error: unknown): void {
    const session = this.#attachment.replace(error, this.#session);
    this.#attachment.giveBack(this.#session);
    this.#session = session;
    if (session.config.digest !== this.#config.digest) {
      throw new CoreError("trap", "the core trapped after an update", { cause: error });
    }
  }

  #evaluateRow(session: Session): void {
    if (this.#columns) session.beginValues(this.#columns);
    else session.begin(this.#context);
    const at = this.#count * this.#flags.length;
    if (this.#plan) {
      session.runPlan(this.#plan);
      session.outcomes.copy(this.#flags, this.#outcomes, at);
    } else {
      session.runAll();
      session.outcomes.copyAll(this.#outcomes, at);
    }
  }

  #resize(rows: number): void {
    const length = rows * this.#flags.length;
    if (length > MATRIX_LENGTH_MAX) {
      const expected = `at most ${MATRIX_LENGTH_MAX} outcomes`;
      throw new ContextError(`users: expected ${expected}, got ${length} (users x flags)`);
    }
    const outcomes = new Uint16Array(length);
    outcomes.set(this.#outcomes);
    this.#outcomes = outcomes;
  }

  #finish(): Outcomes {
    const length = this.#count * this.#flags.length;
    const isExact = length === this.#outcomes.length;
    const outcomes = isExact ? this.#outcomes : this.#outcomes.slice(0, length);
    return new Outcomes(this.#config, this.#flagKeys, outcomes, this.#count);
  }
}
