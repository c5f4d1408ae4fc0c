import { Engine, type EngineHandle } from "../engine/index.ts";
import { Listeners } from "./listeners.ts";
import type { Source, SourceState } from "./source.ts";

/** What a thread is told of a source of another one. */
export interface SourceNews {
  state: SourceState;
  /** undefined = as before */
  flags: string | undefined;
}

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

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }
}
