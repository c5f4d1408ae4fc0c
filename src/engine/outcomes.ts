import type { Config } from "./config.ts";
import type { EvaluationVariant } from "./flag.ts";

/** The answers of `engine.evaluateMany`: one row per user, one column per flag. */
export class Outcomes {
  /**
   * Outcome numbers, `outcomes[user * flagKeys.length + flag]`; 0 = no result. Equal numbers of
   * one flag mean the same variant by the same segment.
   */
  readonly outcomes: Uint16Array;
  readonly userCount: number;
  /** The matrix's columns. */
  readonly flagKeys: readonly string[];
  /** Of the config that answered. */
  readonly digest: string;
  readonly #config: Config;
  /** By column; -1 = there is no such flag. */
  readonly #flags: Int32Array;
  readonly #columns: ReadonlyMap<string, number>;

  /** @internal */
  constructor(config: Config, flagKeys: readonly string[], outcomes: Uint16Array, users: number) {
    config.lend();
    this.#config = config;
    this.flagKeys = Object.freeze(flagKeys);
    this.outcomes = outcomes;
    this.userCount = users;
    this.digest = config.digest;
    this.#flags = Int32Array.from(flagKeys, (key) => config.flags.find(key));
    this.#columns = new Map(flagKeys.map((key, column) => [key, column]));
  }

  /**
   * One user's variant of one flag; undefined if the flag has no result or was not asked for.
   *
   * @param userIndex - 0 = the first user
   * @throws RangeError if there is no such user
   */
  at(userIndex: number, flagKey: string): EvaluationVariant | undefined {
    if (!Number.isInteger(userIndex) || userIndex < 0 || userIndex >= this.userCount) {
      throw new RangeError(`userIndex: expected one of ${this.userCount} users, got ${userIndex}`);
    }
    const column = this.#columns.get(flagKey);
    if (column === undefined || this.#flags[column] < 0) return undefined;
    const outcome = this.outcomes[userIndex * this.flagKeys.length + column];
    return this.#config.variants.get(this.#flags[column], outcome);
  }
}
