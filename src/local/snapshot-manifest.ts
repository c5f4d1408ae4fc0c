const VERSION = 1;
const DIGEST = /^[0-9a-f]{64}$/;

/** Which files of a snapshot belong together, by the SHA-256 of their bytes. */
export class Manifest {
  /** Of the file in which it lies. */
  static readonly NAME = "snapshot.json";

  /** When the flags were written, in ms. */
  savedAt = 0;
  flags: string | undefined;
  /** By cohort id. */
  readonly cohorts = new Map<string, string>();

  /** @throws SyntaxError or TypeError for what is none */
  static parse(text: string): Manifest {
    const { version, savedAt, flags, cohorts } = JSON.parse(text) ?? {};
    if (version !== VERSION) throw new TypeError(`snapshot: expected version ${VERSION}`);
    const manifest = new Manifest();
    if (Number.isFinite(savedAt)) manifest.savedAt = savedAt;
    if (DIGEST.test(flags)) manifest.flags = flags;
    for (const [cohortId, digest] of cohorts) {
      if (DIGEST.test(digest)) manifest.cohorts.set(String(cohortId), digest);
    }
    return manifest;
  }

  get text(): string {
    // Pairs, as any text may be an id, "__proto__" too.
    const { savedAt, flags, cohorts } = this;
    return JSON.stringify({ version: VERSION, savedAt, flags, cohorts: [...cohorts] });
  }
}
