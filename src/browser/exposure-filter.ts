import type { Exposure } from "./exposure.ts";
import type { WebStorage } from "./storage.ts";
import type { ExperimentUser } from "./user.ts";

type Identity = Pick<ExperimentUser, "user_id" | "device_id">;

/** By the ids that a provider of exposures sees: any change is another user. */
export function isSameUser(one: Identity, other: Identity): boolean {
  return one.user_id === other.user_id && one.device_id === other.device_id;
}

/** As analytics tells users apart: by their ids, and only without them by their devices. */
export function isSamePerson(one: Identity, other: Identity): boolean {
  if (one.user_id && other.user_id) return one.user_id === other.user_id;
  return !one.user_id && !other.user_id && one.device_id === other.device_id;
}

/** No flag: beside the variants stands whose they are. */
const IDENTITY = "$identity";
/** What was seen of users before it is known who they are. */
const ANONYMOUS_SUFFIX = "_anonymous";

/**
 * Lets an exposure through once per session, user and variant: a flag's exposure is let through
 * again when its variant or the user has changed. A session outlives a page, as the tab does.
 */
export class ExposureFilter {
  readonly #storage: WebStorage;
  readonly #storageKey: string;
  readonly #isSame: (one: Identity, other: Identity) => boolean;
  #identity: Identity | undefined;
  #variants = new Map<string, unknown>();
  #isStored = true;

  constructor(
    storage: WebStorage,
    storageKey: string,
    isSame: (one: Identity, other: Identity) => boolean,
  ) {
    this.#storage = storage;
    this.#storageKey = storageKey;
    this.#isSame = isSame;
  }

  /** Whether the exposure is to be tracked; from now on it has been. */
  admit({ flag_key, variant = null! }: Exposure, { user_id, device_id }: Identity): boolean {
    const last = this.#identity;
    if (!last || last.user_id !== user_id || last.device_id !== device_id) {
      const identity = { user_id, device_id };
      if (!last || !this.#isSame(last, identity)) this.#variants = new Map();
      this.#identity = identity;
    }
    if (this.#variants.get(flag_key) === variant) return false;
    // What another client of this name has tracked on this page counts, too.
    this.#load();
    if (this.#variants.get(flag_key) === variant) return false;
    this.#variants.set(flag_key, variant);
    this.#store();
    return true;
  }

  /** What was admitted last has not been tracked after all: it may be tried again. */
  withdraw({ flag_key }: Exposure): void {
    this.#variants.delete(flag_key);
    this.#store();
  }

  get #key(): string {
    const { user_id, device_id } = this.#identity!;
    return user_id || device_id ? this.#storageKey : this.#storageKey + ANONYMOUS_SUFFIX;
  }

  #load(): void {
    if (!this.#isStored) return;
    const stored = this.#storage.read(this.#key);
    if (typeof stored !== "object" || stored === null) return;
    const { [IDENTITY]: identity, ...variants } = stored as Record<string, unknown>;
    if (typeof identity !== "object" || identity === null) return;
    if (!this.#isSame(identity, this.#identity!)) return;
    for (const [flagKey, variant] of Object.entries(variants)) this.#variants.set(flagKey, variant);
  }

  #store(): void {
    if (!this.#isStored) return;
    const entry = { ...Object.fromEntries(this.#variants), [IDENTITY]: this.#identity };
    // What cannot be written any more would be read as it was.
    this.#isStored = this.#storage.put(this.#key, JSON.stringify(entry));
  }
}
