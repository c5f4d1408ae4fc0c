import type { EvaluationFlag, EvaluationVariant } from "../engine/index.ts";
import type { Log } from "../sdk/log.ts";
import { Evaluator } from "./evaluator.ts";
import { readRecord, type WebStorage } from "./storage.ts";
import { within } from "./time-limit.ts";
import type { Subject } from "./user-context.ts";

/** Whether a flag is to be evaluated here, not by a server. */
export function isLocal(flag: EvaluationFlag): boolean {
  return flag.metadata?.evaluationMode === "local";
}

/** The flags that were fetched last, or came with the page, and the core that evaluates them. */
export class LocalFlags {
  readonly #storage: WebStorage;
  readonly #key: string;
  readonly #log: Log;
  /** For keys that no other flag has. */
  readonly #initial: readonly EvaluationFlag[];
  #flags: Map<string, EvaluationFlag>;
  /** The JSON of those that were fetched last. */
  #text: string | null;
  #evaluator: Evaluator | undefined;
  #loading: Promise<void> | undefined;

  /** @param initial - the JSON of a list of flags */
  constructor(storage: WebStorage, key: string, initial: string | undefined, log: Log) {
    this.#storage = storage;
    this.#key = key;
    this.#log = log;
    this.#initial = initial ? parseInitial(initial, log) : [];
    this.#text = storage.get(key);
    this.#flags = readRecord(this.#text, flagOf) ?? new Map();
    this.#take();
  }

  /**
   * Resolves when flags can be evaluated: at once, but where the core has to be fetched.
   *
   * @throws if that fails, or takes longer
   */
  async ready(limitMillis: number): Promise<void> {
    if (this.#loading) await within(this.#loading, limitMillis);
  }

  get(flagKey: string): EvaluationFlag | undefined {
    return this.#flags.get(flagKey);
  }

  /** Takes what the server has now. */
  replace(flags: readonly EvaluationFlag[]): void {
    const entries = flags.map((flag) => [flag.key, flag] as const);
    const text = JSON.stringify(Object.fromEntries(entries));
    this.#storage.put(this.#key, text);
    // Polls mostly bring what is there, and compiling is most of the work.
    if (text === this.#text && this.#evaluator) return;
    this.#text = text;
    this.#flags = new Map(entries);
    this.#take();
  }

  /** A flag's variant; undefined without a result. */
  evaluate(subject: Subject, flagKey: string): EvaluationVariant | undefined {
    return this.#evaluator?.variant(subject, flagKey);
  }

  /** The variants of the flags that are evaluated here. */
  evaluateAll(subject: Subject): [string, EvaluationVariant][] {
    const results = Object.entries(this.#evaluator?.variants(subject) ?? {});
    return results.filter(([key]) => {
      const flag = this.#flags.get(key);
      return flag && isLocal(flag);
    });
  }

  /** Adds flags that came with the page, and has all of them evaluated from now on. */
  #take(): void {
    for (const flag of this.#initial) {
      if (!this.#flags.has(flag.key)) this.#flags.set(flag.key, flag);
    }
    if (!this.#evaluator && this.#flags.size === 0) return;
    const flags = Object.fromEntries(this.#flags);
    try {
      if (this.#evaluator) this.#evaluator.update(flags);
      else this.#evaluator = Evaluator.make(flags);
    } catch (error) {
      this.#log.error("flags: they cannot be used", error);
      return;
    }
    if (!this.#evaluator) this.#fetchCore();
    else for (const { message } of this.#evaluator.warnings) this.#log.warn(`flags: ${message}`);
  }

  #fetchCore(): void {
    this.#loading ??= this.#load();
    // Whoever waits is told.
    this.#loading.catch(() => {});
  }

  async #load(): Promise<void> {
    try {
      this.#evaluator = await Evaluator.load();
    } catch (error) {
      this.#log.error("local evaluation: the core cannot run", error);
      this.#loading = undefined;
      throw error;
    }
    this.#take();
  }
}

function parseInitial(text: string, log: Log): EvaluationFlag[] {
  try {
    return (JSON.parse(text) as unknown[]).flatMap((flag) => flagOf(flag) ?? []);
  } catch (error) {
    log.error("initialFlags: expected the JSON of a list of flags", error);
    return [];
  }
}

function flagOf(stored: unknown): EvaluationFlag | undefined {
  return typeof stored === "object" && stored !== null ? (stored as EvaluationFlag) : undefined;
}
