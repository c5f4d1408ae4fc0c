import type { EvaluationFlag } from "../engine/index.ts";

type Flags = Record<string, EvaluationFlag>;

/** The flags of a client, to be read and put directly, as in Amplitude's Node SDK. */
export class FlagConfigCache {
  #flags: Flags = Object.create(null);
  /** As a server sent them. */
  #text: string | undefined;
  readonly #apply: (flags: Flags) => Promise<void>;

  /** @internal @param apply - makes flags live at once; what it promises is the rest */
  constructor(apply: (flags: Flags) => Promise<void>) {
    this.#apply = apply;
  }

  /** A flag that is live. */
  async get(flagKey: string): Promise<EvaluationFlag | undefined> {
    return this.#flags[flagKey];
  }

  /** All flags that are live, in an object of its own. */
  async getAll(): Promise<Flags> {
    return { ...this.#flags };
  }

  /** As {@link getAll}, at once. */
  getAllCached(): Flags {
    return { ...this.#flags };
  }

  /**
   * The flag is live from now on, until flags come from the server. Resolves when the cohorts that
   * it names are there, too, if the client is started.
   *
   * @throws `ConfigError` if nothing can be loaded with it; everything stays as it was
   */
  async put(flagKey: string, flag: EvaluationFlag): Promise<void> {
    await this.putAll({ [flagKey]: flag });
  }

  /** As {@link put}, for many flags at once. */
  async putAll(flags: Readonly<Flags>): Promise<void> {
    const given = Object.entries(flags).filter(([, flag]) => flag);
    await this.#set({ ...this.#flags, ...Object.fromEntries(given) });
  }

  /** The flag is gone, until flags come from the server. */
  async delete(flagKey: string): Promise<void> {
    const { [flagKey]: _, ...others } = this.#flags;
    await this.#set(others);
  }

  /** There are no flags, until some come from the server. */
  async clear(): Promise<void> {
    await this.#set({});
  }

  /** @internal what has gone live, and its text if it is a server's */
  replace(flags: Iterable<EvaluationFlag>, text?: string): void {
    const all: Flags = Object.create(null);
    for (const flag of flags) if (typeof flag?.key === "string") all[flag.key] = flag;
    this.#flags = all;
    this.#text = text;
  }

  /** @internal as JSON, a list */
  get text(): string {
    return (this.#text ??= JSON.stringify(Object.values(this.#flags)));
  }

  /** @internal */
  find(flagKey: string): EvaluationFlag | undefined {
    return this.#flags[flagKey];
  }

  async #set(flags: Flags): Promise<void> {
    const done = this.#apply(flags);
    this.#flags = Object.assign(Object.create(null), flags);
    this.#text = undefined;
    await done;
  }
}
