import { readRecord, type WebStorage } from "./storage.ts";
import { storedVariant, type Variant, type Variants, variantsOf } from "./variant.ts";

/** The variants that were fetched last; they outlive the page. */
export class VariantStore {
  readonly #storage: WebStorage;
  readonly #key: string;
  #variants: Map<string, Variant>;
  /** What was read or written last. */
  #text: string | null;

  constructor(storage: WebStorage, key: string) {
    this.#storage = storage;
    this.#key = key;
    this.#text = storage.get(key);
    this.#variants = readRecord(this.#text, storedVariant) ?? new Map();
  }

  get(flagKey: string): Variant | undefined {
    return this.#variants.get(flagKey);
  }

  get all(): Variants {
    return variantsOf(this.#variants);
  }

  /** @param kept - flags whose variants stay as they are */
  replaceAll(variants: Variants, kept: ReadonlySet<string>): void {
    const all = new Map(Object.entries(variants));
    for (const flagKey of kept) copyEntry(flagKey, this.#variants, all);
    this.#variants = all;
    this.#write(all);
  }

  /** Replaces the variants of some flags; where there is none any more, there is none. */
  replaceSome(variants: Variants, flagKeys: Iterable<string>): void {
    const some = new Map(Object.entries(variants));
    // Another page may have stored other flags' variants: they stay.
    const text = this.#storage.get(this.#key);
    const foreign = text === this.#text ? undefined : readRecord(text, storedVariant);
    const stored = foreign ?? new Map(this.#variants);
    for (const flagKey of flagKeys) {
      copyEntry(flagKey, some, this.#variants);
      copyEntry(flagKey, some, stored);
    }
    this.#write(stored);
  }

  clear(): void {
    this.#variants = new Map();
    this.#write(this.#variants);
  }

  #write(variants: ReadonlyMap<string, Variant>): void {
    const text = JSON.stringify(Object.fromEntries(variants));
    if (this.#storage.put(this.#key, text)) this.#text = text;
  }
}

/** Makes an entry as it is elsewhere. */
function copyEntry(
  key: string,
  from: ReadonlyMap<string, Variant>,
  to: Map<string, Variant>,
): void {
  const variant = from.get(key);
  if (variant) to.set(key, variant);
  else to.delete(key);
}
