import type { ExperimentUser } from "../engine/index.ts";
import type { Results } from "./canonical.ts";

/** What all events say about a user. */
const IDENTITY = ["user_id", "device_id", "groups"] as const;

/** What the assignments of `sendEvaluatedProps` say besides, as in Amplitude's Python SDK. */
const PROPERTIES = [
  "country",
  "city",
  "region",
  "dma",
  "language",
  "platform",
  "version",
  "os",
  "device_manufacturer",
  "device_brand",
  "device_model",
  "carrier",
  "library",
  "ip_address",
  "user_properties",
] as const;

type Identity = Pick<ExperimentUser, (typeof IDENTITY)[number]>;
type Properties = Pick<ExperimentUser, (typeof PROPERTIES)[number]>;

export type TrackedUser = Identity & { properties?: Properties };

function pick<Name extends keyof ExperimentUser>(
  user: ExperimentUser,
  names: readonly Name[],
): Pick<ExperimentUser, Name> {
  const picked: Partial<Record<Name, unknown>> = {};
  for (const name of names) picked[name] = user[name];
  return picked as Pick<ExperimentUser, Name>;
}

/** An evaluation that is tracked, as it was. */
export class Evaluation {
  readonly results: Results;
  readonly canonical: string;
  /** Milliseconds since 1970. */
  readonly timestamp = Date.now();
  // Callers write to their users. As JSON, for that is how it is sent: what JSON cannot hold
  // throws here, where it spoils no one else's events.
  readonly #user: string;

  /**
   * @param results - not written to from now on
   * @param canonical - of the user and the results
   * @param hasProperties - whether its events say what the user was evaluated by
   * @throws if what is to be sent of the user cannot be
   */
  constructor(user: ExperimentUser, results: Results, canonical: string, hasProperties: boolean) {
    this.results = results;
    this.canonical = canonical;
    const tracked: TrackedUser = pick(user, IDENTITY);
    if (hasProperties) tracked.properties = pick(user, PROPERTIES);
    this.#user = JSON.stringify(tracked);
  }

  /** A copy that is the caller's. */
  get user(): TrackedUser {
    return JSON.parse(this.#user);
  }
}

/** How long an evaluation is not tracked again; also what events of one day have in common. */
export const DAY_MILLIS = 24 * 60 * 60 * 1000;

/** Days since 1970. */
export function dayOf(timestamp: number): number {
  return Math.floor(timestamp / DAY_MILLIS);
}

/** Of flags that only tell experiments apart: they are no property of a user. */
export const MUTUAL_EXCLUSION_GROUP = "mutual-exclusion-group";
