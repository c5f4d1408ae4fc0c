// The variants of all flags as JSON bytes. Writing hundreds of variants anew for each user would
// cost more than deciding them, so each outcome is written once, and answers are put together.

import type { EvaluationVariant } from "./flag.ts";
import { OutcomeCache } from "./outcome-cache.ts";

const OPEN = 0x7b;
const CLOSE = 0x7d;
const NO_VARIANTS = "{}";

/** What is written. */
export interface JsonSource {
  readonly flagKeys: readonly string[];
  /** The order in which the keys are written. */
  readonly listing: readonly number[];
  readonly variants: OutcomeCache<EvaluationVariant>;
  /** Outcomes by flag. */
  readonly outcomeCounts: Uint32Array;
}

/** Writes a config's variants. */
export class JsonWriter {
  readonly #listing: readonly number[];
  /** `"key":{…},` by outcome. */
  readonly #members: OutcomeCache<Uint8Array>;

  constructor({ flagKeys, listing, variants, outcomeCounts }: JsonSource) {
    this.#listing = listing;
    const encoder = new TextEncoder();
    this.#members = new OutcomeCache(outcomeCounts, (flag, outcome) => {
      const variant = JSON.stringify(variants.get(flag, outcome));
      return encoder.encode(`${JSON.stringify(flagKeys[flag])}:${variant},`);
    });
  }

  /** An object of the variants, by the outcomes at `outcomes[start + flag]`, in UTF-8. */
  write(outcomes: Uint16Array, start: number): Uint8Array<ArrayBuffer> {
    let size = 1;
    for (const flag of this.#listing) size += this.#member(flag, outcomes, start)?.length ?? 0;
    if (size === 1) return new TextEncoder().encode(NO_VARIANTS);
    const bytes = new Uint8Array(size);
    bytes[0] = OPEN;
    let at = 1;
    for (const flag of this.#listing) {
      const member = this.#member(flag, outcomes, start);
      if (!member) continue;
      bytes.set(member, at);
      at += member.length;
    }
    bytes[size - 1] = CLOSE;
    return bytes;
  }

  #member(flag: number, outcomes: Uint16Array, start: number): Uint8Array | undefined {
    return this.#members.get(flag, outcomes[start + flag]);
  }
}
