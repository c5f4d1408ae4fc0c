import {
  CompactEngine,
  CoreError,
  type EvaluationContext,
  type EvaluationFlag,
  type EvaluationVariant,
  toContext,
} from "../engine/compact/index.ts";
import type { Subject } from "./user-context.ts";

/** Evaluates users against flags, in the core. */
export class Evaluator {
  readonly #engine: CompactEngine;

  private constructor(engine: CompactEngine) {
    this.#engine = engine;
  }

  /**
   * Undefined if the core has to be fetched first, because WebAssembly is refused.
   *
   * @throws if the flags cannot be used
   */
  static make(flags: Record<string, EvaluationFlag>): Evaluator | undefined {
    try {
      return new Evaluator(CompactEngine.loadSync(flags));
    } catch (error) {
      if (error instanceof CoreError) return undefined;
      throw error;
    }
  }

  /** Without flags. @throws if the core cannot run here */
  static async load(): Promise<Evaluator> {
    return new Evaluator(await CompactEngine.load({}));
  }

  /** What is wrong with single flags. */
  get warnings(): readonly { message: string }[] {
    return this.#engine.warnings;
  }

  /** @throws if they cannot be used; the old ones stay */
  update(flags: Record<string, EvaluationFlag>): void {
    this.#engine.update(flags);
  }

  /** A flag's variant; undefined without a result. */
  variant(subject: Subject, flagKey: string): EvaluationVariant | undefined {
    subject.context ??= contextOf(subject);
    return this.#engine.variant(subject.context, flagKey);
  }

  /** The variants of all flags. */
  variants(subject: Subject): Record<string, EvaluationVariant> {
    subject.context ??= contextOf(subject);
    return this.#engine.evaluate(subject.context);
  }
}

function contextOf({ user, address, lazy }: Subject): EvaluationContext {
  const context = toContext(user);
  if (address() !== undefined) context.page = defineLazy({}, "url", address);
  for (const [name, read] of Object.entries(lazy)) {
    if (!Object.hasOwn(user, name)) defineLazy(context.user as object, name, read);
  }
  return context;
}

function defineLazy(object: object, name: string, get: () => unknown): object {
  return Object.defineProperty(object, name, { get, enumerable: true, configurable: true });
}
