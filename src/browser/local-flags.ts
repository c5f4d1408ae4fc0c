import type { EvaluationFlag, EvaluationVariant } from "../engine/index.ts";
import type { Log } from "../sdk/log.ts";
import type { Evaluator } from "./evaluator.ts";
import { readRecord, type WebStorage } from "./storage.ts";
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
  #evaluator: Evaluator | undefined;
  #loading: Promise<void> | undefined;

  /** @param initial - the JSON of a list of flags */
  constructor(storage: WebStorage, key: string, initial: string | undefined, log: Log) {
    this.#storage = storage;
    this.#key = key;
    this.#log = log;
    this.#initial = initial ? parseInitial(initial, log) : [];
    this.#flags = readRecord(storage, key, flagOf) ?? new Map();
    this.#addInitial();
    void this.ready();
  }

  /** Whether flags can be evaluated yet. */
  get isReady(): boolean {
    return this.#evaluator !== undefined;
  }

  /** Resolves when flags can be evaluated, if there are any, or it is known that they cannot. */
  async ready(): Promise<void> {
    if (this.#flags.size > 0) this.#loading ??= this.#load();
    await this.#loading;
  }

  get(flagKey: string): EvaluationFlag | undefined {
    return this.#flags.get(flagKey);
  }

  /** Takes what the server has now. */
  replace(flags: readonly EvaluationFlag[]): void {
    this.#flags = new Map(flags.map((flag) => [flag.key, flag]));
    this.#storage.put(this.#key, JSON.stringify(Object.fromEntries(this.#flags)));
    this.#addInitial();
    if (this.#evaluator) this.#update(this.#evaluator);
    else void this.ready();
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

  #addInitial(): void {
    for (const flag of this.#initial) {
      if (!this.#flags.has(flag.key)) this.#flags.set(flag.key, flag);
    }
  }

  async #load(): Promise<void> {
    try {
      // Most of the code, and pages without flags go without it.
      const { Evaluator } = await import("./evaluator.ts");
      const evaluator = await Evaluator.load();
      this.#update(evaluator);
      this.#evaluator = evaluator;
    } catch (error) {
      this.#log.error("local evaluation: the core cannot run", error);
      this.#loading = undefined;
    }
  }

  #update(evaluator: Evaluator): void {
    try {
      const warnings = evaluator.update(Object.fromEntries(this.#flags));
      for (const { message } of warnings) this.#log.warn(`flags: ${message}`);
    } catch (error) {
      this.#log.error("flags: they cannot be used", error);
    }
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
