import { Engine, type EvaluationFlag } from "../engine/index.ts";
import { Listeners } from "./listeners.ts";
import type { Source, SourceState } from "./source.ts";

type FlagList = readonly EvaluationFlag[] | Readonly<Record<string, EvaluationFlag>>;

/** Flags that are given as such. */
export class InlineSource implements Source {
  readonly engine: Engine;
  readonly #listeners = new Listeners();
  #flags = "";
  #confirmedAt = 0;

  /** @throws `ConfigError` if nothing of the flags can be loaded */
  constructor(flags: FlagList, shared = false) {
    this.engine = Engine.loadSync([], { shared });
    this.update(flags);
  }

  /**
   * Other flags are live from now on.
   *
   * @throws `ConfigError` if nothing of the flags can be loaded, TypeError if they cannot be
   * written as JSON; the old ones stay
   */
  update(flags: FlagList): void {
    const list = Object.values(flags);
    const text = JSON.stringify(list);
    this.engine.update(list);
    this.#flags = text;
    this.#confirmedAt = Date.now();
    this.#listeners.tell();
  }

  get flags(): string {
    return this.#flags;
  }

  get state(): SourceState {
    const { digest, warnings } = this.engine;
    const age = { confirmedAt: this.#confirmedAt, isStale: false, lastError: undefined };
    return { kind: "inline", place: "given flags", digest, ...age, warnings, cohorts: [] };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }
}
