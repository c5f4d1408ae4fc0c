import type { ExperimentUser as EngineUser } from "../engine/index.ts";
import { LIBRARY } from "../sdk/library.ts";

/** A user; what is left out is filled in by what provides users. */
export interface ExperimentUser extends EngineUser {
  /** When this browser was first seen: seconds since 1970, as a text. */
  first_seen?: string;
  device_category?:
    | "mobile"
    | "tablet"
    | "desktop"
    | "wearable"
    | "console"
    | "smarttv"
    | "embedded";
  referring_url?: string;
  /** For local evaluation only: it is never sent. */
  cookie?: Record<string, string>;
  browser?: string;
  /** The first page of this session. */
  landing_url?: string;
  url_param?: Record<string, string | string[]>;
  persisted_url_param?: Record<string, string | string[]>;
  user_agent?: string;
}

/** Says who the user is, as far as it knows. */
export interface ExperimentUserProvider {
  getUser(): ExperimentUser;
}

type MaybeUser = ExperimentUser | null | undefined;

/** A user that does not change if the given one, or its properties, are written to. */
export function copyOf(user: ExperimentUser): ExperimentUser {
  if (!user.user_properties) return { ...user };
  return { ...user, user_properties: { ...user.user_properties } };
}

/** One user of several: later ones have precedence, but what is undefined says nothing. */
export function mergedUser(...users: readonly MaybeUser[]): ExperimentUser {
  const fields = users.flatMap(definedOf);
  const properties = users.flatMap((user) => definedOf(user?.user_properties));
  return {
    library: LIBRARY,
    ...Object.fromEntries(fields),
    user_properties: Object.fromEntries(properties) as ExperimentUser["user_properties"],
  };
}

function definedOf(object: object | null | undefined): [string, unknown][] {
  return Object.entries(object ?? {}).filter(([, value]) => value !== undefined);
}
