import { createHash } from "node:crypto";

/** In Redis, what no leader extends any more is gone after so long. */
export const LIFE_MILLIS = 24 * 3_600_000;

/** The keys in Redis of one deployment's fleet. */
export class FleetKeys {
  /** Who leads. */
  readonly lock: string;
  /** What is published. In the same slot of a Cluster as {@link lock}: one script reads both. */
  readonly publication: string;
  readonly #scope: string;

  /** @throws TypeError for a prefix that would move the slots */
  constructor(prefix: string, deploymentKey: string) {
    if (!/^[\w.:-]+$/.test(prefix)) {
      throw new TypeError(`prefix: expected letters, digits, ".", ":", "_", "-", got "${prefix}"`);
    }
    // The key itself is a secret.
    const deployment = createHash("sha256").update(deploymentKey).digest("hex").slice(0, 16);
    this.#scope = `${prefix}:${deployment}`;
    this.lock = `{${this.#scope}}:lock`;
    this.publication = `{${this.#scope}}:publication`;
  }

  /** Without a tag, so that blobs are spread over a Cluster. */
  blob(id: string): string {
    return `${this.#scope}:blob:${id}`;
  }
}
