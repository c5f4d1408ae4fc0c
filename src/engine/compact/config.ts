// A config as the compact engine has it: what the core evaluates by, and what the host says of it.

import { IMAGE_HEADER_SIZE, NEEDS_HOST } from "../../../assembly/layout.ts";
import type { Slot as WholeSlot } from "../config.ts";
import type { EngineWarning } from "../errors.ts";
import type { EvaluationVariant } from "../flag.ts";
import { FlagCompiler } from "../flag-compiler.ts";
import { type HostMatcher, hostMatcher } from "../host-predicate.ts";
import { ImageWriter } from "../image-writer.ts";
import { orderOf, PLAN_LENGTH_KEPT } from "../order.ts";
import { OutcomeCache } from "../outcome-cache.ts";
import { NEEDS_OF_KIND } from "../predicate.ts";
import { buildRecord } from "../record.ts";
import { type FlagEntry, sourceOf, Tables } from "../tables.ts";
import { type Flags, usableFlags, warnInto } from "../usable-flags.ts";
import { variantOf } from "../variant.ts";

/** As the host fills it. */
export type Slot = Pick<WholeSlot, "selector" | "needs" | "source">;

/** What is kept of a flag's entry, with JSON texts. */
interface Flag extends Pick<FlagEntry, "enabled" | "parents" | "metadata" | "outcomes"> {
  /** The metadata of each. */
  readonly segments: readonly string[];
  plan?: Uint32Array;
}

export class Config {
  readonly warnings: readonly EngineWarning[];
  /** Tables for the core, as docs/abi.md has them; without cohorts, sweep and names. */
  readonly image: Uint8Array;
  readonly slots: readonly Slot[];
  /** All flags, parents first. */
  readonly order: Uint32Array;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #flags: readonly Flag[];
  readonly #keys: readonly string[];
  /** By outcome, with merged metadata; shared and deeply frozen. */
  readonly variants: OutcomeCache<EvaluationVariant>;
  /** By predicate, of those that only the host can decide. */
  readonly #matchers: { slot: number; matcher: HostMatcher }[] = [];

  /** @throws {@link ConfigError} if nothing of the flags can be used */
  constructor(flags: Flags) {
    const warnings: EngineWarning[] = [];
    const usable = usableFlags(flags, warnings);
    const tables = new Tables([...usable.keys()]);
    const warn = warnInto(warnings);
    for (const flag of usable.values()) {
      tables.add(new FlagCompiler(tables, flag, warn).compile());
    }
    const writer = new ImageWriter(IMAGE_HEADER_SIZE);
    tables.write(writer);
    this.image = writer.finish(0, 1).slice();
    this.warnings = Object.freeze(warnings);
    this.#indexes = tables.flagIndexes;
    this.#keys = tables.flagKeys;
    this.#flags = tables.flags.map((flag) => ({
      enabled: flag.enabled,
      parents: flag.parents,
      metadata: flag.metadata,
      segments: flag.segments.map(({ metadata }) => metadata),
      outcomes: flag.outcomes,
    }));
    this.variants = new OutcomeCache(
      Uint32Array.from(this.#flags, ({ outcomes }) => outcomes.length),
      (flag, outcome) => this.#makeVariant(this.#flags[flag], outcome),
    );
    this.slots = tables.slots.map((slot) => ({
      selector: slot.selector,
      needs: slot.needs,
      source: sourceOf(slot),
    }));
    for (const { spec, slot, index, op } of tables.predicates) {
      if (NEEDS_OF_KIND[spec.kind] & NEEDS_HOST) {
        this.#matchers[index] = { slot: slot.index, matcher: hostMatcher(op, spec.values) };
      }
    }
    this.order = orderOf(this.#graph);
  }

  /** Keys of the flags that can be evaluated. */
  get flagKeys(): readonly string[] {
    return this.#keys.filter((_, flag) => this.#flags[flag].enabled);
  }

  get flagCount(): number {
    return this.#flags.length;
  }

  /** The flag's index; undefined = there is none. */
  find(flagKey: string): number | undefined {
    return this.#indexes.get(flagKey);
  }

  /** A flag and its ancestors, parents first; undefined for a flag without parents. */
  planOf(flag: number): Uint32Array | undefined {
    const { parents, plan } = this.#flags[flag];
    if (plan || parents.length === 0) return plan;
    const made = orderOf(this.#graph, [flag]);
    if (made.length <= PLAN_LENGTH_KEPT) this.#flags[flag].plan = made;
    return made;
  }

  /** The flags with these keys and their ancestors, parents first; unknown keys are left out. */
  planOfKeys(flagKeys: readonly string[]): Uint32Array {
    const flags = flagKeys.map((key) => this.find(key));
    return orderOf(
      this.#graph,
      flags.filter((flag) => flag !== undefined),
    );
  }

  matcher(predicate: number) {
    return this.#matchers[predicate];
  }

  #makeVariant({ outcomes, metadata, segments }: Flag, outcome: number): EvaluationVariant {
    const { segment, variant } = outcomes[outcome - 1];
    return variantOf(JSON.parse(variant), jsonOf(metadata), jsonOf(segments[segment]));
  }

  /** The variants of these flags by key, in their order. */
  record(plan: Uint32Array, outcomes: Uint16Array): Record<string, EvaluationVariant> {
    return buildRecord({ flagKeys: this.#keys, variants: this.variants }, plan, outcomes, 0);
  }

  get #graph() {
    const flags = this.#flags;
    return { count: flags.length, parentsOf: (flag: number) => flags[flag].parents };
  }
}

function jsonOf(text: string): unknown {
  return text && JSON.parse(text);
}
