import type { CoreModule } from "../core.ts";
import type { EngineWarning } from "../errors.ts";
import type { EvaluationContext, EvaluationVariant } from "../flag.ts";
import type { Flags } from "../usable-flags.ts";
import { type CompactBackend, loadBuild, loadBuildSync } from "./build.ts";
import { Config } from "./config.ts";
import { Session } from "./session.ts";

/** How to run the compact core. */
export interface CompactOptions {
  /** Default: WebAssembly, and JavaScript where WebAssembly is not to be had. */
  backend?: CompactBackend;
}

/**
 * The engine in less than half the bytes, for pages and small workers: it evaluates users against
 * flags with the results of `Engine`, in the same core without what it does not offer. It has no
 * cohorts of its own (those that a context names are seen), no images, threads, batches, pinned
 * users and explanations (docs/runtimes.md).
 *
 * @example
 * const engine = await CompactEngine.load(flags);
 * engine.variant({ user: { user_id: "u1" } }, "checkout")?.key;
 */
export class CompactEngine {
  readonly #module: CoreModule;
  #config: Config;
  /** Of the current config, ready for use; as many as evaluations ever nested (a getter of the
   * context may evaluate). */
  #sessions: Session[] = [];

  private constructor(module: CoreModule, flags: Flags) {
    this.#module = module;
    this.#config = new Config(flags);
  }

  /**
   * Compiles flags.
   *
   * @throws {@link ConfigError} if nothing can be loaded; malformed flags: {@link warnings}
   * @throws {@link CoreError} if the backend that was asked for is not to be had
   */
  static async load(flags: Flags, { backend }: CompactOptions = {}): Promise<CompactEngine> {
    return new CompactEngine(await loadBuild(backend), flags);
  }

  /** As {@link load}, where synchronous compilation is allowed (docs/runtimes.md). */
  static loadSync(flags: Flags, { backend }: CompactOptions = {}): CompactEngine {
    return new CompactEngine(loadBuildSync(backend), flags);
  }

  /** Which build of the core runs. */
  get backend(): CompactBackend {
    return this.#module.backend as CompactBackend;
  }

  /** What is wrong with single flags. */
  get warnings(): readonly EngineWarning[] {
    return this.#config.warnings;
  }

  /** Keys of the flags that can be evaluated. */
  get flagKeys(): readonly string[] {
    return this.#config.flagKeys;
  }

  /**
   * Replaces the config at once.
   *
   * @throws {@link ConfigError} if nothing of it can be loaded; the old config stays
   */
  update(flags: Flags): { warnings: readonly EngineWarning[] } {
    this.#config = new Config(flags);
    this.#sessions = [];
    return { warnings: this.warnings };
  }

  /**
   * The variants of the asked flags and of their ancestors, as a plain object.
   *
   * @param flagKeys - undefined or empty = all flags; unknown keys are ignored
   * @returns by flag key; a flag without a result is absent. Variants are shared and frozen.
   * @throws {@link ContextError} if the context's texts do not fit into memory
   */
  evaluate(
    context: EvaluationContext,
    flagKeys?: readonly string[],
  ): Record<string, EvaluationVariant> {
    const config = this.#config;
    const flags = flagKeys?.map((key) => config.find(key)).filter((flag) => flag !== undefined);
    const plan = flagKeys?.length ? config.planOfAll(flags!) : config.order;
    return this.#use((session) => session.evaluate(context, plan));
  }

  /**
   * One flag's variant; costs what this flag and its ancestors cost, however many are loaded.
   *
   * @returns undefined if the flag has no result or does not exist
   */
  variant(context: EvaluationContext, flagKey: string): EvaluationVariant | undefined {
    const flag = this.#config.find(flagKey);
    return flag === undefined ? flag : this.#use((session) => session.variant(context, flag));
  }

  #use<Result>(evaluate: (session: Session) => Result): Result {
    const sessions = this.#sessions;
    const session = sessions.pop() ?? new Session(this.#module, this.#config);
    try {
      return evaluate(session);
    } finally {
      session.end();
      // Those of a config that was replaced meanwhile go with it.
      sessions.push(session);
    }
  }
}
