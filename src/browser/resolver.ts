import type { EvaluationFlag } from "../engine/index.ts";
import type { SourcedVariant } from "./exposure.ts";
import { isLocal } from "./local-flags.ts";
import { Source, VariantSource } from "./source.ts";
import type { Subject } from "./user-context.ts";
import { givenVariant, type Variant } from "./variant.ts";

type Fallback = string | Variant | null | undefined;

/** Where variants may come from. */
export interface Sources {
  source: Source;
  fallbackVariant: Variant;
  initialVariant(flagKey: string): Variant | undefined;
  storedVariant(flagKey: string): Variant | undefined;
  /** Undefined if there is no such flag. */
  flag(flagKey: string): EvaluationFlag | undefined;
  evaluate(flagKey: string, subject: Subject): Variant | undefined;
}

/** Finds the variant of a flag: the first that a source has, in the order of `source`. */
export class Resolver {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  resolve(flagKey: string, fallback: Fallback, subject: Subject): SourcedVariant {
    const flag = this.#sources.flag(flagKey);
    if (flag && isLocal(flag)) return this.#evaluated(flagKey, fallback, subject);
    const sourced = this.#sourced(flagKey, fallback);
    return flag && !sourced.variant ? this.#evaluated(flagKey, fallback, subject) : sourced;
  }

  #sourced(flagKey: string, fallback: Fallback): SourcedVariant {
    const { source } = this.#sources;
    if (source === Source.LocalStorage) {
      const stored = this.#stored(flagKey);
      return isDecided(stored) ? stored : this.#fallback(flagKey, fallback, stored, true);
    }
    if (source !== Source.InitialVariants) return {};
    const variant = this.#sources.initialVariant(flagKey);
    if (variant) {
      return { variant, source: VariantSource.InitialVariants, hasDefaultVariant: false };
    }
    const stored = this.#stored(flagKey);
    return isDecided(stored) ? stored : this.#fallback(flagKey, fallback, stored, false);
  }

  #evaluated(flagKey: string, fallback: Fallback, subject: Subject): SourcedVariant {
    const variant = this.#sources.evaluate(flagKey, subject);
    const evaluated = assigned(variant, VariantSource.LocalEvaluation);
    return isDecided(evaluated) ? evaluated : this.#fallback(flagKey, fallback, evaluated, true);
  }

  #stored(flagKey: string): SourcedVariant {
    const variant = this.#sources.storedVariant(flagKey);
    return assigned(variant && { ...variant }, VariantSource.LocalStorage);
  }

  /** Instead of no variant, or of a default one, which is better than nothing at all. */
  #fallback(
    flagKey: string,
    inline: Fallback,
    otherwise: SourcedVariant,
    hasInitial: boolean,
  ): SourcedVariant {
    const { hasDefaultVariant } = otherwise;
    if (inline !== null && inline !== undefined) {
      const variant = givenVariant(inline);
      return { variant, source: VariantSource.FallbackInline, hasDefaultVariant };
    }
    const initial = hasInitial ? this.#sources.initialVariant(flagKey) : undefined;
    if (initial) {
      const source = VariantSource.SecondaryInitialVariants;
      return { variant: initial, source, hasDefaultVariant };
    }
    const variant = givenVariant(this.#sources.fallbackVariant);
    if (Object.keys(variant).length === 0) return otherwise;
    return { variant, source: VariantSource.FallbackConfig, hasDefaultVariant };
  }
}

function assigned(variant: Variant | undefined, source: VariantSource): SourcedVariant {
  if (!variant) return {};
  return { variant, source, hasDefaultVariant: Boolean(variant.metadata?.default) };
}

/** Whether nothing that comes after it counts. */
function isDecided({ variant, hasDefaultVariant }: SourcedVariant): boolean {
  return variant !== undefined && !hasDefaultVariant;
}
