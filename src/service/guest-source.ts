import { Engine, type EngineHandle } from "../engine/index.ts";
import { Listeners } from "./listeners.ts";
import type { Source, SourceState } from "./source.ts";

/** What a thread is told of a source of another one. */
export interface SourceNews {
  state: SourceState;
  /** undefined = as before */
  flags: string | undefined;
}

/** What is published is mostly told within a millisecond. */
const CATCH_UP_MILLIS = 250;

/** A source that another thread has: its flags and cohorts are in shared memory. */
export class GuestSource implements Source {
  readonly engine: Engine;
  readonly #listeners = new Listeners();
  #state: SourceState;
  #flags: string | undefined;

  constructor(handle: EngineHandle, { state, flags }: SourceNews) {
    this.engine = Engine.attach(handle);
    this.#state = state;
    this.#flags = flags;
  }

  receive({ state, flags }: SourceNews): void {
    this.#state = state;
    this.#flags = flags ?? this.#flags;
    this.#listeners.tell();
  }

  get flags(): string | undefined {
    return this.#flags;
  }

  get state(): SourceState {
    return this.#state;
  }

  catchUp(): Promise<void> | undefined {
    if (this.#state.digest === this.engine.digest) return undefined;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(end, CATCH_UP_MILLIS);
      const stop = this.#listeners.add(end);
    });
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }
}
