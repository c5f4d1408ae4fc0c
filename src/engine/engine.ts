import type { Attachment } from "./attachment.ts";
import { Batch } from "./batch.ts";
import { loadBuild, loadBuildSync } from "./build.ts";
import { checkCohort } from "./check-cohort.ts";
import type { Cohort, SetCohortOptions } from "./cohorts.ts";
import type { Columns } from "./columns.ts";
import type { Backend, CoreModule } from "./core.ts";
import { changedKeys } from "./definition.ts";
import type { EngineOptions, SyncEngineOptions } from "./engine-options.ts";
import { CoreError, type EngineWarning } from "./errors.ts";
import { type Explanation, explain } from "./explanation.ts";
import type { EvaluationContext, EvaluationVariant } from "./flag.ts";
import { type EngineHandle, Guest } from "./guest.ts";
import { cohortsOf } from "./membership.ts";
import type { Outcomes } from "./outcomes.ts";
import { type EngineUpdate, Owner } from "./owner.ts";
import { PinnedUser } from "./pinned-user.ts";
import type { Session } from "./session.ts";
import { ReadOnce } from "./slot-values.ts";
import type { Flags } from "./usable-flags.ts";
import type { Variants } from "./variants.ts";

/** Attached engines that nobody refers to any more give back what they have held. */
const forgotten = new FinalizationRegistry((attachment: Attachment) => attachment.leave());

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
  readonly #side: Owner | Guest;
  readonly #attachment: Attachment;

  private constructor(module: CoreModule, source: Flags | Uint8Array | Guest) {
    this.#module = module;
    this.#side = source instanceof Guest ? source : new Owner(module, source);
    this.#attachment = this.#side.attachment;
  }

  /**
   * Compiles flags, or places an image made by {@link toImage}.
   *
   * @throws {@link ConfigError} if nothing can be loaded; malformed flags: {@link warnings}
   * @throws {@link CoreError} if the build of the core that was asked for is not to be had
   */
  static async load(flags: Flags | Uint8Array, options: EngineOptions = {}): Promise<Engine> {
    return new Engine(await loadBuild(options), flags);
  }

  /** As {@link load}, where synchronous compilation is allowed (docs/runtimes.md). */
  static loadSync(flags: Flags | Uint8Array, options: SyncEngineOptions = {}): Engine {
    return new Engine(loadBuildSync(options), flags);
  }

  /**
   * An engine on the config and the cohorts of another thread's: nothing is copied. What the other
   * one is given by {@link update} and {@link setCohort}, this one sees at its next evaluation.
   *
   * @param handle - what {@link handle} gave there
   * @throws {@link CoreError} if it is none, or of another version
   */
  static attach(handle: EngineHandle): Engine {
    const guest = new Guest(handle);
    const engine = new Engine(guest.module, guest);
    forgotten.register(engine, guest.attachment);
    return engine;
  }

  /** Whether other threads can attach to config and cohorts. */
  get shared(): boolean {
    return this.#module.isShared;
  }

  /**
   * What another thread needs to {@link attach}: to be posted, or given as `workerData`. Any number
   * of threads may use it.
   *
   * @throws {@link CoreError} if the engine is not {@link shared}
   */
  handle(): EngineHandle {
    const { memory } = this.#attachment.instance;
    const { compiled } = this.#module;
    if (!memory.isShared || !compiled) {
      throw new CoreError("not-shared", "engine: expected a shared one, got private memory");
    }
    return { memory: memory.core as WebAssembly.Memory, module: compiled };
  }

  /** Which build of the core runs; for a core of the caller's, the one that was asked for. */
  get backend(): Backend {
    return this.#module.backend;
  }

  /** What is wrong with single flags, and which cohorts they name that are not set. */
  get warnings(): readonly EngineWarning[] {
    return this.#side.warnings;
  }

  /** Keys of the flags that can be evaluated. */
  get flagKeys(): readonly string[] {
    const { flagKeys, enabled } = this.#attachment.config.names;
    return flagKeys.filter((_, flag) => enabled[flag]);
  }

  /** Identifies the config: 16 hexadecimal digits, equal for equal images. Not a signature. */
  get digest(): string {
    return this.#attachment.config.digest;
  }

  /** Size of the core's memory in bytes: with cohorts, and of all threads if it is shared. */
  get memoryBytes(): number {
    return this.#attachment.instance.memory.size;
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
        return session.outcomes.record();
      }
      const plan = session.config.planOfKeys(flagKeys);
      session.runPlan(plan);
      return session.outcomes.record(plan);
    });
  }

  /** The variants of all flags as a read-only view: cheaper than {@link evaluate}. */
  evaluateAll(context: EvaluationContext): Variants {
    return this.#with(context, (session) => {
      session.runAll();
      return session.outcomes.view();
    });
  }

  /**
   * One flag's variant; costs what this flag and its ancestors cost, however many are loaded.
   *
   * @returns undefined if the flag has no result or does not exist
   */
  variant(context: EvaluationContext, flagKey: string): EvaluationVariant | undefined {
    // As #with; a closure per call would be a tenth of the time.
    const attachment = this.#attachment;
    const session = attachment.take();
    try {
      return session.variantOf(context, flagKey);
    } catch (error) {
      return attachment.retry(error, session, (fresh) => fresh.variantOf(context, flagKey));
    } finally {
      attachment.giveBack(session);
    }
  }

  /**
   * Why a flag answers as it does: per segment the conditions met or failed with the value seen,
   * the hash, and the allocation and distribution slots. Read from the same evaluation.
   *
   * @returns undefined if the flag does not exist
   */
  explain(context: EvaluationContext, flagKey: string): Explanation | undefined {
    return this.#attachment.use((session) => {
      session.mustHold();
      const { config } = session;
      const flag = config.flags.find(flagKey);
      if (flag < 0) return undefined;
      session.beginValues(new ReadOnce(config.slots, context));
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
    return new PinnedUser(this.#attachment, context);
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
    return new Batch(this.#attachment, flagKeys).evaluate(users);
  }

  /**
   * Replaces the config at once, for attached engines too: an evaluation sees the old or the new
   * one. Cohorts stay.
   *
   * @throws {@link ConfigError} if nothing of it can be loaded; the old config stays
   * @throws {@link CoreError} if the engine is attached
   */
  update(flags: Flags | Uint8Array): EngineUpdate {
    const changed = this.#ownerFor("update").update(flags, changedKeys);
    return { changed, warnings: this.warnings };
  }

  /** The cohorts that are set; none for an attached engine, which cannot tell. */
  get cohorts(): readonly Cohort[] {
    return this.#side instanceof Owner ? this.#side.cohorts : [];
  }

  /**
   * Sets a cohort, or replaces it at once: an evaluation sees the old members or the new ones. It
   * is asked where a condition reads `context.user.cohort_ids`, or the `cohort_ids` of a group, and
   * the context has none: as the Amplitude SDKs fill them in. Members take 16 bytes each, of the
   * core's memory. Nobody is taken for a member who is none, but with a probability of 2^-64 at
   * most (docs/cohorts.md).
   *
   * @param groupType - "User", or the type of the groups whose names are the members
   * @param memberIds - user ids or group names; an async iterable is read as it comes, and until
   * its end the old cohort stays
   * @throws {@link CohortError} for what is no cohort, or does not fit into memory
   * @throws {@link CoreError} if the engine is attached
   */
  setCohort(
    cohortId: string,
    groupType: string,
    memberIds: Iterable<string>,
    options?: SetCohortOptions,
  ): Cohort;
  setCohort(
    cohortId: string,
    groupType: string,
    memberIds: AsyncIterable<string>,
    options?: SetCohortOptions,
  ): Promise<Cohort>;
  setCohort(
    cohortId: string,
    groupType: string,
    memberIds: Iterable<string> | AsyncIterable<string>,
    options?: SetCohortOptions,
  ): Cohort | Promise<Cohort> {
    const owner = this.#ownerFor("setCohort");
    checkCohort(cohortId, groupType, memberIds, options);
    if (Symbol.asyncIterator in memberIds) {
      return owner.streamCohort(cohortId, groupType, memberIds, options);
    }
    return owner.setCohort(cohortId, groupType, memberIds, options);
  }

  /**
   * Removes a cohort: nobody is in it any more.
   *
   * @returns whether there was one
   * @throws {@link CoreError} if the engine is attached
   */
  removeCohort(cohortId: string): boolean {
    return this.#ownerFor("removeCohort").removeCohort(cohortId);
  }

  /**
   * The cohorts that have a member, of those that conditions of the live flags name.
   *
   * @param groupType - "User", or the type of the group whose name is the member
   */
  cohortsOf(groupType: string, memberId: string): string[] {
    return this.#attachment.use((session) => cohortsOf(session, groupType, memberId));
  }

  /** Lets other threads have the memory in which this engine evaluates; it may be used again. */
  [Symbol.dispose](): void {
    this.#attachment.leave();
  }

  /**
   * The compiled config: position-independent, versioned, sealed by a checksum, byte-identical
   * for the same flags. {@link load} takes it far faster than the flags.
   */
  toImage(): Uint8Array {
    return this.#attachment.config.bytes;
  }

  #ownerFor(what: string): Owner {
    if (this.#side instanceof Owner) return this.#side;
    const message = `${what}: expected the engine that loaded, got an attached one`;
    throw new CoreError("not-owner", message);
  }

  #with<Result>(context: EvaluationContext, use: (session: Session) => Result): Result {
    return this.#attachment.use((session) => {
      session.begin(context);
      return use(session);
    });
  }
}
