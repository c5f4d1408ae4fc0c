import { apiKeyOf, cohortKeysOf } from "./authorization.ts";
import type { Deployment } from "./deployment.ts";
import type { KeyKind } from "./key-ring.ts";
import { Problem } from "./problem.ts";

/** A deployment, and what the key of a request is for there. */
export interface Access {
  deployment: Deployment;
  kind: KeyKind;
}

/** All deployments of a service. */
export class Deployments implements Iterable<Deployment> {
  readonly #all: readonly Deployment[];

  /** @throws Error if a request could be meant for two of them */
  constructor(all: readonly Deployment[]) {
    if (all.length === 0) throw new Error("deployments: expected at least one, got none");
    for (const [at, deployment] of all.entries()) {
      const { name, keys } = deployment;
      if (keys.isOpen && all.length > 1) {
        throw new Error(`deployment ${name}: expected keys, as there are others, got none`);
      }
      for (const other of all.slice(at + 1)) {
        if (other.name === name)
          throw new Error(`deployment ${name}: there is another of this name`);
        if (other.keys.overlaps(keys)) {
          throw new Error(`deployments ${name} and ${other.name}: expected keys of their own`);
        }
      }
    }
    this.#all = all;
  }

  [Symbol.iterator](): Iterator<Deployment> {
    return this.#all[Symbol.iterator]();
  }

  /**
   * The deployment that a request's key opens, with flags or without.
   *
   * @throws {@link Problem} 401
   */
  find(headers: Headers): Access {
    const key = apiKeyOf(headers);
    for (const deployment of this.#all) {
      const kind = deployment.keys.kindOf(key);
      if (kind) return { deployment, kind };
    }
    throw Problem.text(401, "Invalid deployment");
  }

  /** As {@link find}; @throws {@link Problem} 503 too, if there are no flags yet */
  findReady(headers: Headers): Access {
    const access = this.find(headers);
    if (access.deployment.isReady) return access;
    const message = "flags: expected some, got none from their source yet";
    throw Problem.json(503, { code: "not-ready", message }, { "Retry-After": "1" });
  }

  /**
   * The deployments whose cohorts the keys of a request open.
   *
   * @throws {@link Problem} 401
   */
  findForCohorts(headers: Headers): Deployment[] {
    const keys = cohortKeysOf(headers);
    const found = this.#all.filter((deployment) => deployment.keys.opensCohorts(keys));
    if (found.length > 0) return found;
    throw Problem.text(401, "Invalid api or secret key");
  }
}
