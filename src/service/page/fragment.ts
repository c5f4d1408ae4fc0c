// What a link to the page says after its "#", which browsers send to nobody.

export interface Shared {
  /** JSON. */
  user: string | undefined;
  flagKey: string | undefined;
}

export function readFragment(): Shared {
  const given = new URLSearchParams(location.hash.slice(1));
  return { user: given.get("user") ?? undefined, flagKey: given.get("flag") ?? undefined };
}

/** Leaves no entry in the history. */
export function writeFragment({ user, flagKey }: Shared): void {
  const given = new URLSearchParams();
  if (flagKey !== undefined) given.set("flag", flagKey);
  if (user !== undefined) given.set("user", user);
  const hash = `#${given}`;
  if (hash !== location.hash) {
    history.replaceState(null, "", `${location.pathname}${location.search}${hash}`);
  }
}
