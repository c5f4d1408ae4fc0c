import {
  CompactEngine,
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

  /** @throws if the core has to be fetched first, because WebAssembly is refused */
  static make(): Evaluator {
    return new Evaluator(CompactEngine.loadSync({}));
  }

  /** @throws if the core cannot run here */
  static async load(): Promise<Evaluator> {
    return new Evaluator(await CompactEngine.load({}));
  }

  /**
   * Answers what is wrong with single flags.
   *
   * @throws if none of them can be used; the old ones stay
   */
  update(flags: Record<string, EvaluationFlag>): readonly { message: string }[] {
    return this.#engine.update(flags).warnings;
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
