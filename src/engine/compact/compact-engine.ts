import { type CoreModule, isTrap } from "../core.ts";
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
  #sessions: Session[];

  private constructor(module: CoreModule, flags: Flags) {
    this.#module = module;
    this.#config = new Config(flags);
    this.#sessions = [new Session(module, this.#config)];
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

  /**
   * As {@link load}, where synchronous compilation is allowed (docs/runtimes.md). JavaScript only
   * once {@link load} has loaded it.
   */
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
    const config = new Config(flags);
    this.#sessions = [new Session(this.#module, config)];
    this.#config = config;
    return { warnings: config.warnings };
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
    return this.#use((session) => session.evaluate(context, flagKeys));
  }

  /**
   * One flag's variant; costs what this flag and its ancestors cost, however many are loaded.
   *
   * @returns undefined if the flag has no result or does not exist
   */
  variant(context: EvaluationContext, flagKey: string): EvaluationVariant | undefined {
    return this.#use((session) => session.variant(context, flagKey));
  }

  #use<Result>(evaluate: (session: Session) => Result): Result {
    const sessions = this.#sessions;
    const session = sessions.pop() ?? new Session(this.#module, this.#config);
    let isBroken = false;
    try {
      return evaluate(session);
    } catch (error) {
      isBroken = isTrap(error);
      throw error;
    } finally {
      session.end();
      // Those of a config that was replaced meanwhile go with it.
      if (!isBroken) sessions.push(session);
    }
  }
}
