import { Batch } from "./batch.ts";
import type { Columns } from "./columns.ts";
import { compile, type Flags } from "./compile.ts";
import { Config } from "./config.ts";
import { type Backend, type CoreModule, coreModule, hasSimd, wasmModule } from "./core.ts";
import { definitionOf } from "./definition.ts";
import type { EngineWarning } from "./errors.ts";
import { type Explanation, explain } from "./explanation.ts";
import type { EvaluationContext, EvaluationVariant } from "./flag.ts";
import type { Outcomes } from "./outcomes.ts";
import { PinnedUser } from "./pinned-user.ts";
import type { Session } from "./session.ts";
import { ReadOnce } from "./slot-values.ts";
import type { Variants } from "./variants.ts";

/** How to run the core. */
export interface EngineOptions {
  /** Which build of the core to run. Default: WebAssembly, as `simd` says. */
  backend?: Backend;
  /** Use the core's SIMD build. Default: if the runtime has it. */
  simd?: boolean;
  /** A compiled core, for hosts that must not compile one. Default: the package's own. */
  module?: WebAssembly.Module;
}

/** What an update did. */
export interface EngineUpdate {
  /** Keys of the flags that were added, removed, or whose definition differs. */
  changed: string[];
  warnings: readonly EngineWarning[];
}

/**
 * Evaluates users against flags, with the results of Amplitude's JS engine
 * (`@amplitude/experiment-core` 0.13.6; docs/evaluation.md).
 *
 * @example
 * const engine = await Engine.load(flags);
 * engine.variant({ user: { user_id: "u1" } }, "checkout")?.key;
 */
export class Engine {
  readonly #module: CoreModule;
  #config: Config;

  private constructor(module: CoreModule, config: Config) {
    this.#module = module;
    this.#config = config;
  }

  /**
   * Compiles flags, or places an image made by {@link toImage}.
   *
   * @throws {@link ConfigError} if nothing of it can be loaded. A single malformed flag is left
   * out instead, see {@link warnings}.
   */
  static async load(flags: Flags | Uint8Array, options?: EngineOptions): Promise<Engine> {
    return Engine.loadSync(flags, options);
  }

  /** As {@link load}, where synchronous compilation is allowed. */
  static loadSync(flags: Flags | Uint8Array, options: EngineOptions = {}): Engine {
    const module = moduleOf(options);
    return new Engine(module, configOf(module, flags));
  }

  /** Which build of the core runs; for a core of the caller's, the one that was asked for. */
  get backend(): Backend {
    return this.#module.backend;
  }

  /** What is wrong with single flags. */
  get warnings(): readonly EngineWarning[] {
    return this.#config.names.warnings;
  }

  /** Keys of the flags that can be evaluated. */
  get flagKeys(): readonly string[] {
    const { flagKeys, enabled } = this.#config.names;
    return flagKeys.filter((_, flag) => enabled[flag]);
  }

  /** Identifies the config: 16 hexadecimal digits, equal for equal images. Not a signature. */
  get digest(): string {
    return this.#config.digest;
  }

  /** Size of the core's memory in bytes. */
  get memoryBytes(): number {
    return this.#config.instance.memoryBytes;
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
    return this.#with(context, (session) => {
      if (!flagKeys?.length) {
        session.runAll();
        return session.record();
      }
      const plan = session.config.planOfKeys(flagKeys);
      session.runPlan(plan);
      return session.record(plan);
    });
  }

  /** The variants of all flags as a read-only view: cheaper than {@link evaluate}. */
  evaluateAll(context: EvaluationContext): Variants {
    return this.#with(context, (session) => {
      session.runAll();
      return session.variants();
    });
  }

  /**
   * One flag's variant; costs what this flag and its ancestors cost, however many are loaded.
   *
   * @returns undefined if the flag has no result or does not exist
   */
  variant(context: EvaluationContext, flagKey: string): EvaluationVariant | undefined {
    // As #with, but without a closure per call: here it would be a tenth of the time.
    const config = this.#config;
    const session = config.take();
    try {
      return session.variantOf(context, flagKey);
    } catch (error) {
      return config.retry(error, session, (fresh) => fresh.variantOf(context, flagKey));
    } finally {
      config.giveBack(session);
    }
  }

  /**
   * Why a flag answers as it does: per segment the conditions met or failed with the value seen,
   * the hash, and the allocation and distribution slots. Read from the same evaluation.
   *
   * @returns undefined if the flag does not exist
   */
  explain(context: EvaluationContext, flagKey: string): Explanation | undefined {
    const config = this.#config;
    const flag = config.flags.find(flagKey);
    if (flag < 0) return undefined;
    const values = new ReadOnce(config.slots, context);
    return config.use((session) => {
      session.beginValues(values);
      // The flag itself is the last of its plan.
      return explain(session, flag, config.planOf(flag)?.subarray(0, -1));
    });
  }

  /**
   * Encodes and evaluates a user once, for many questions: every answer is of the config that is
   * live now, also after {@link update}, and of the context as it is now.
   *
   * @throws {@link ContextError} if the context's texts do not fit into memory
   */
  pin(context: EvaluationContext): PinnedUser {
    return new PinnedUser(this.#config, context);
  }

  /**
   * Evaluates many users against the config that is live now, into one matrix of outcome numbers;
   * nothing is allocated per user.
   *
   * @param users - contexts, or columns by selector: `{ "user.country": ["us", "de"] }`, nested or
   * with dots; a column is an array, a typed array or anything with `length` and `get(row)`
   * @param flagKeys - undefined or empty = all flags; the columns of the matrix, in this order
   * @throws {@link ContextError} if columns differ in length, if texts do not fit into memory, or
   * above 2^31 outcomes (users x flags)
   */
  evaluateMany(users: Iterable<EvaluationContext>, flagKeys?: readonly string[]): Outcomes;
  evaluateMany(
    users: AsyncIterable<EvaluationContext>,
    flagKeys?: readonly string[],
  ): Promise<Outcomes>;
  evaluateMany(users: Columns, flagKeys?: readonly string[]): Outcomes;
  evaluateMany(
    users: Iterable<EvaluationContext> | AsyncIterable<EvaluationContext> | Columns,
    flagKeys?: readonly string[],
  ): Outcomes | Promise<Outcomes> {
    return new Batch(this.#config, flagKeys).evaluate(users);
  }

  /**
   * Replaces the config at once: an evaluation sees the old or the new one.
   *
   * @throws {@link ConfigError} if nothing of it can be loaded; the old config stays
   */
  update(flags: Flags | Uint8Array): EngineUpdate {
    const old = this.#config;
    const next = configOf(this.#module, flags);
    this.#config = next;
    return { changed: changedKeys(old, next), warnings: next.names.warnings };
  }

  /**
   * The compiled config: position-independent, versioned, sealed by a checksum, byte-identical
   * for the same flags. {@link load} takes it far faster than the flags.
   */
  toImage(): Uint8Array {
    return this.#config.bytes;
  }

  #with<Result>(context: EvaluationContext, use: (session: Session) => Result): Result {
    return this.#config.use((session) => {
      session.begin(context);
      return use(session);
    });
  }
}

function moduleOf({ module, backend, simd }: EngineOptions): CoreModule {
  const chosen = backend ?? ((simd ?? hasSimd()) ? "wasm-simd" : "wasm");
  return module ? wasmModule(module, chosen) : coreModule(chosen);
}

function configOf(module: CoreModule, flags: Flags | Uint8Array): Config {
  if (flags instanceof Uint8Array) return new Config(module, flags, false);
  return new Config(module, compile(flags), true);
}

function changedKeys(old: Config, next: Config): string[] {
  const changed: string[] = [];
  const { flagKeys } = next.names;
  for (const [flag, key] of flagKeys.entries()) {
    const before = old.flags.find(key);
    if (before < 0 || definitionOf(old, before) !== definitionOf(next, flag)) {
      changed.push(key);
    }
  }
  for (const key of old.names.flagKeys) {
    if (next.flags.find(key) < 0) changed.push(key);
  }
  return changed;
}
