import type { Engine, EngineUpdate, EngineWarning } from "../engine/index.ts";
import { type Log, reasonOf } from "../sdk/log.ts";
import type { CohortSync, NamedCohorts } from "./cohort-sync.ts";
import type { FetchedFlags } from "./flag-api.ts";
import type { FlagConfigCache } from "./flag-cache.ts";
import { cohortsNamedBy } from "./named-cohorts.ts";

export interface ReleaseOptions {
  engine: Pick<Engine, "update">;
  cohorts: Pick<CohortSync, "prepare" | "keepOnly">;
  cache: Pick<FlagConfigCache, "replace">;
  log: Log;
}

/** Of cohorts that are missing it is told why they are. */
const UNLOGGED: EngineWarning["code"] = "unknown-cohort";

/** Flags, and what was compiled of them elsewhere. */
type Released = Pick<FetchedFlags, "flags"> & { text?: string; image?: Uint8Array };

/** What comes before the flags that name these cohorts. */
type Prepare = (cohorts: NamedCohorts) => Promise<void>;

/** Makes flags live: their cohorts first, then all of them at once. */
export class Release {
  readonly #options: ReleaseOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ReleaseOptions) {
    this.#options = options;
  }

  /**
   * Answers the keys of the flags that have changed. One release after the other.
   *
   * @throws SyntaxError if there are flags, and none that could be used; the old ones stay
   */
  apply(released: Released, signal: AbortSignal): Promise<string[]> {
    return this.#enqueue(released, signal, (named) => this.#options.cohorts.prepare(named, signal));
  }

  /** As {@link apply}, with the cohorts that are there: those of a snapshot. */
  restore(released: Released, signal: AbortSignal): Promise<string[]> {
    return this.#enqueue(released, signal, async () => {});
  }

  #enqueue(released: Released, signal: AbortSignal, prepare: Prepare): Promise<string[]> {
    const release = this.#last.then(() => this.#apply(released, signal, prepare));
    this.#last = release.catch(() => {});
    return release;
  }

  async #apply(released: Released, signal: AbortSignal, prepare: Prepare): Promise<string[]> {
    const { cohorts, cache, log } = this.#options;
    const { flags, text } = released;
    if (flags.length > 0 && !flags.some(isFlag)) {
      throw new SyntaxError("flags: expected flags, got a list of something else");
    }
    signal.throwIfAborted();
    const named = cohortsNamedBy(flags);
    await prepare(named);
    signal.throwIfAborted();
    const { changed, warnings } = this.#update(released);
    cache.replace(flags, text);
    cohorts.keepOnly(named);
    if (changed.length > 0) {
      log.debug(`${flags.length} flags are live, ${changed.length} have changed`);
      for (const { code, path, message } of warnings) {
        if (code !== UNLOGGED) log.warn(`${path}: ${message}`);
      }
    }
    return changed;
  }

  #update({ flags, image }: Released): EngineUpdate {
    const { engine, log } = this.#options;
    if (!image) return engine.update(flags);
    try {
      return engine.update(image);
    } catch (error) {
      // One of another version of the engine.
      log.info(`the image of the flags is not used: ${reasonOf(error)}`);
      return engine.update(flags);
    }
  }
}

function isFlag(flag: unknown): boolean {
  return typeof flag === "object" && flag !== null && "key" in flag && "segments" in flag;
}
