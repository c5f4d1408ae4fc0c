import type { FlagSource } from "./flag-feed.ts";

/** What a `LocalEvaluationClient` dispatches: a `CustomEvent` with this detail. */
export interface LocalEvaluationEvents {
  /** The first flags of a server are live. */
  ready: undefined;
  /** Other flags are live: the keys that were added, removed or changed; none if only cohorts. */
  update: { changed: string[]; source: FlagSource };
  /** Flags or cohorts could not be had; the last good ones go on. */
  error: { error: unknown };
  /** The server has not confirmed the flags for a while, or they are those of a snapshot. */
  stale: { confirmedAt: number | undefined };
}

/** An `EventTarget` whose events are {@link LocalEvaluationEvents}. */
export class ClientEvents extends EventTarget {
  /** Listens, as `addEventListener`. */
  on<Name extends keyof LocalEvaluationEvents>(
    name: Name,
    listener: (event: CustomEvent<LocalEvaluationEvents[Name]>) => void,
  ): void {
    this.addEventListener(name, listener as EventListener);
  }

  /** @internal called when the status may have changed, and no event tells */
  onQuietChange: () => void = () => {};

  /** @internal */
  protected dispatch<Name extends keyof LocalEvaluationEvents>(
    name: Name,
    detail: LocalEvaluationEvents[Name],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
