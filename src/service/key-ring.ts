/** "client" keys are no secret: they are in browsers and apps, and may only evaluate. */
export type KeyKind = "server" | "client";

export interface DeploymentKey {
  key: string;
  kind: KeyKind;
}

/** Keys of an Amplitude project, for cohorts. */
export interface CohortKeys {
  apiKey: string;
  secretKey: string;
}

export interface Keys {
  /** Of texts that begin with "client-" the kind is "client". None = whoever asks may. */
  keys?: readonly (string | DeploymentKey)[];
  /** Who may download cohorts. */
  cohortKeys?: readonly CohortKeys[];
}

/** As Amplitude names the keys of client deployments. */
const CLIENT_PREFIX = "client-";

/** A key as it is configured: of a text the beginning tells the kind. */
function keyOf(key: string | DeploymentKey): DeploymentKey {
  if (typeof key !== "string") return key;
  return { key, kind: key.startsWith(CLIENT_PREFIX) ? "client" : "server" };
}

/** Takes as long for any text of a length, equal or not. */
function isEqual(given: string, key: string): boolean {
  let difference = given.length ^ key.length;
  for (let at = 0; at < given.length; at++) {
    difference |= given.charCodeAt(at) ^ key.charCodeAt(at % key.length);
  }
  return difference === 0;
}

/** The keys that open a deployment; none = whoever asks may. */
export class KeyRing {
  readonly #keys: readonly DeploymentKey[];
  readonly #cohortKeys: readonly string[];

  /** @throws Error for an empty key */
  constructor({ keys = [], cohortKeys = [] }: Keys) {
    this.#keys = keys.map(keyOf);
    this.#cohortKeys = cohortKeys.map(({ apiKey, secretKey }) => {
      if (!apiKey || !secretKey) throw new Error("cohort keys: expected texts, got an empty one");
      return `${apiKey}:${secretKey}`;
    });
    if (this.#keys.some(({ key }) => !key)) {
      throw new Error("deployment key: expected a text, got an empty one");
    }
  }

  get isOpen(): boolean {
    return this.#keys.length === 0;
  }

  /** What the key is for; undefined = it is none of these. All keys are compared. */
  kindOf(given: string | undefined): KeyKind | undefined {
    if (this.isOpen) return "server";
    if (!given) return undefined;
    let kind: KeyKind | undefined;
    for (const { key, kind: itsKind } of this.#keys) if (isEqual(given, key)) kind = itsKind;
    return kind;
  }

  /** Whether the keys, `apiKey:secretKey`, may download cohorts. */
  opensCohorts(given: string | undefined): boolean {
    if (this.isOpen && this.#cohortKeys.length === 0) return true;
    let isKnown = false;
    for (const keys of this.#cohortKeys) isKnown = isEqual(given ?? "", keys) || isKnown;
    return isKnown;
  }

  /** Whether both have a key. */
  overlaps(other: KeyRing): boolean {
    const keys = new Set(other.#keys.map(({ key }) => key));
    return this.#keys.some(({ key }) => keys.has(key));
  }
}
