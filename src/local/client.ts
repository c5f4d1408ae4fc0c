/// <reference lib="esnext.disposable" preserve="true" />
import {
  Engine,
  type EngineHandle,
  type EvaluationFlag,
  type ExperimentUser,
  type Explanation,
  toContext,
} from "../engine/index.ts";
import { Http } from "../sdk/http.ts";
import { Log } from "../sdk/log.ts";
import {
  type Variant,
  type Variants,
  variantOf,
  variantsOf,
  withoutDefaults,
} from "../sdk/variant.ts";
import { Tracker } from "../tracking/tracker.ts";
import { CohortApi } from "./cohort-api.ts";
import { CohortPoller } from "./cohort-poller.ts";
import { CohortSync } from "./cohort-sync.ts";
import {
  type CohortSyncConfig,
  type LocalEvaluationConfig,
  type ResolvedConfig,
  resolveConfig,
} from "./config.ts";
import { ClientEvents } from "./events.ts";
import { type FetchedFlags, parseFlags } from "./flag-api.ts";
import { FlagConfigCache } from "./flag-cache.ts";
import { type FlagFeed, type FlagSource, flagFeedOf } from "./flag-feed.ts";
import { Freshness } from "./freshness.ts";
import { cohortsNamedBy } from "./named-cohorts.ts";
import { pause } from "./pause.ts";
import { Release } from "./release.ts";
import { secretsOf } from "./secrets.ts";
import { Snapshot } from "./snapshot.ts";
import type { ClientStatus } from "./status.ts";

export interface EvaluateOptions {
  /** Whether the user is exposed to the evaluated flags now. Default: false. */
  tracksExposure?: boolean;
}

/** Flags that were not confirmed for so many intervals are stale. */
const STALE_INTERVALS = 3;
/** What `stop()` waits for uploads. */
const FLUSH_MILLIS = 10_000;

/**
 * Evaluates users against flags that it keeps as the server has them, as Amplitude's Node SDK does.
 * Between updates nothing is sent: evaluating is synchronous.
 */
export class LocalEvaluationClient extends ClientEvents {
  /** The flags that are live, to be read and put directly. */
  readonly cache: FlagConfigCache;
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  readonly #engine: Engine;
  readonly #tracker: Tracker;
  readonly #snapshot: Snapshot | undefined;
  readonly #cohorts: CohortSync;
  readonly #cohortPoller: CohortPoller | undefined;
  readonly #release: Release;
  readonly #feed: FlagFeed;
  readonly #freshness: Freshness;
  #life: AbortController | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<unknown> | undefined;

  /**
   * @param deploymentKey - a server deployment's key
   * @throws Error if the key is empty; `ConfigError` if nothing of `bootstrap` can be loaded
   */
  constructor(deploymentKey: string, config?: LocalEvaluationConfig | null) {
    super();
    if (!deploymentKey) throw new Error("deployment key: expected a text, got an empty one");
    const resolved = resolveConfig(config ?? {});
    const { cohortSyncConfig, bootstrap, snapshotPath } = resolved;
    const log = new Log(resolved, secretsOf(deploymentKey, resolved));
    const http = new Http(resolved);
    const engine = Engine.loadSync(bootstrap ?? {}, { shared: resolved.shared });
    this.#config = resolved;
    this.#log = log;
    this.#engine = engine;
    this.#tracker = new Tracker(resolved, log, http);
    this.#snapshot = snapshotPath ? new Snapshot(snapshotPath, log) : undefined;
    const api = cohortSyncConfig && new CohortApi(http, cohortSyncConfig);
    const onError = (error: unknown) => this.dispatch("error", { error });
    this.#cohorts = new CohortSync({ api, engine, log, snapshot: this.#snapshot, onError });
    this.#cohortPoller = cohortSyncConfig && this.#cohortPollerOf(cohortSyncConfig);
    this.#freshness = new Freshness({
      maxAgeMillis: resolved.flagConfigPollingIntervalMillis * STALE_INTERVALS,
      onReady: () => this.dispatch("ready", undefined),
      onStale: () => this.dispatch("stale", { confirmedAt: this.#freshness.confirmedAt }),
      onMended: () => this.onQuietChange(),
    });
    this.cache = new FlagConfigCache((flags) => this.#put(flags));
    if (bootstrap) {
      this.cache.replace(Object.values(bootstrap));
      this.#freshness.begin("bootstrap");
    }
    this.#release = new Release({ engine, cohorts: this.#cohorts, cache: this.cache, log });
    this.#feed = this.#feedOf(http, deploymentKey);
  }

  #cohortPollerOf(config: Required<CohortSyncConfig>): CohortPoller {
    return new CohortPoller({
      cohorts: this.#cohorts,
      intervalMillis: config.cohortPollingIntervalMillis,
      onPolled: (isChanged) => {
        if (isChanged) this.#dispatchUpdate([]);
        else this.onQuietChange();
      },
      onError: (error) => this.dispatch("error", { error }),
    });
  }

  #feedOf(http: Http, deploymentKey: string): FlagFeed {
    const server = { http, deploymentKey };
    return flagFeedOf(this.#config, server, {
      log: this.#log,
      apply: (fetched, source, signal) => this.#apply(fetched, source, signal),
      confirm: (source) => this.#freshness.confirm(source),
      onError: (error) => this.#fail(error),
    });
  }

  /**
   * Downloads flags and cohorts and keeps them as the server has them until {@link stop}. Resolves
   * when the first flags are live; all callers get one promise.
   *
   * @throws why the first flags could not be had, unless there are those of a snapshot; then
   * nothing goes on, and it can be called again. An `AbortError` if it was stopped before.
   */
  start(): Promise<void> {
    if (!this.#starting) {
      const life = new AbortController();
      this.#life = life;
      this.#starting = this.#start(life);
    }
    return this.#starting;
  }

  async #start(life: AbortController): Promise<void> {
    await this.#stopping;
    try {
      life.signal.throwIfAborted();
      await this.#tracker.start().catch((error) => this.#log.error("tracking is off", error));
      const hasFlags = await this.#restore(life.signal);
      const first = this.#feed.start(life.signal);
      await (hasFlags ? this.#patience(first, life.signal) : first);
      life.signal.throwIfAborted();
      this.#cohortPoller?.start(life.signal);
    } catch (error) {
      if (this.#life === life) this.#end();
      throw error;
    }
  }

  /** Waits for first flags, but not longer than one request may take: there are others. */
  #patience(first: Promise<void>, signal: AbortSignal): Promise<void> {
    const end = pause(this.#config.flagConfigPollerRequestTimeoutMillis, signal);
    return Promise.race([first, end]).catch(() => {});
  }

  /**
   * Ends all requests and timers, after what was tracked is uploaded, for at most 10 s. Evaluation
   * goes on by the last flags; {@link start} may be called again.
   */
  async stop(): Promise<void> {
    this.#end();
    this.#stopping = Promise.all([this.#tracker.stop(FLUSH_MILLIS), this.#snapshot?.flush()]);
    await this.#stopping;
  }

  #end(): void {
    this.#life?.abort(new DOMException("the client was stopped", "AbortError"));
    this.#life = undefined;
    this.#starting = undefined;
    this.#freshness.end();
  }

  /** As {@link stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * The variants of the asked flags, and of the flags that they depend on, default ones too.
   *
   * @param flagKeys - undefined or empty = all flags
   */
  evaluateV2(
    user: ExperimentUser,
    flagKeys?: readonly string[],
    options?: EvaluateOptions,
  ): Variants {
    const results = this.#engine.evaluate(toContext(user), flagKeys);
    this.#tracker.track(user, results, options);
    return variantsOf(results);
  }

  /**
   * As {@link evaluateV2} without default variants.
   *
   * @deprecated use {@link evaluateV2}
   */
  async evaluate(
    user: ExperimentUser,
    flagKeys?: readonly string[],
    options?: EvaluateOptions,
  ): Promise<Variants> {
    return withoutDefaults(this.evaluateV2(user, flagKeys, options));
  }

  /**
   * One flag's variant: costs what this flag costs, and is not tracked.
   *
   * @param fallback - if the flag has none; before those of the configuration
   */
  variant(user: ExperimentUser, flagKey: string, fallback?: Variant): Variant | undefined {
    const evaluated = this.#engine.variant(toContext(user), flagKey);
    if (evaluated) return variantOf(evaluated);
    const { fallbackVariants } = this.#config;
    if (fallback || !fallbackVariants || !Object.hasOwn(fallbackVariants, flagKey)) return fallback;
    return fallbackVariants[flagKey];
  }

  /** Why a flag answers as it does; undefined if it does not exist. */
  explain(user: ExperimentUser, flagKey: string): Explanation | undefined {
    return this.#engine.explain(toContext(user), flagKey);
  }

  /** The metadata of a flag; undefined if it has none or does not exist. */
  flagMetadata(flagKey: string): Record<string, unknown> | undefined {
    return this.cache.find(flagKey)?.metadata;
  }

  /** What other threads need to evaluate on the same flags and cohorts, see docs/threads.md. */
  handle(): EngineHandle {
    return this.#engine.handle();
  }

  /** How the client is doing. */
  status(): ClientStatus {
    return {
      isStarted: this.#life !== undefined,
      digest: this.#engine.digest,
      flagCount: this.#engine.flagKeys.length,
      ...this.#freshness.status,
      cohorts: this.#cohorts.states,
      droppedEvents: this.#tracker.dropped,
    };
  }

  /** @internal */
  get parts() {
    return { engine: this.#engine, snapshot: this.#snapshot };
  }

  #dispatchUpdate(changed: string[]): void {
    this.dispatch("update", { changed, source: this.#freshness.source ?? "bootstrap" });
  }

  /** Answers whether there are flags to go on with. */
  async #restore(signal: AbortSignal): Promise<boolean> {
    const snapshot = this.#snapshot;
    // What has come before a stop is newer than what was read then.
    if (this.#freshness.confirmedAt !== undefined) return snapshot !== undefined;
    const saved = await snapshot?.load();
    if (!snapshot || !saved) return false;
    try {
      const flags = parseFlags(saved.flags);
      await this.#cohorts.restore(snapshot, signal);
      const changed = await this.#release.restore({ flags, text: saved.flags }, signal);
      this.#freshness.begin("snapshot", saved.savedAt);
      if (changed.length > 0) this.#dispatchUpdate(changed);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#log.warn("snapshot: it cannot be used", error);
      return false;
    }
  }

  async #apply(fetched: FetchedFlags, source: FlagSource, signal: AbortSignal): Promise<void> {
    const changed = await this.#release.apply(fetched, signal);
    signal.throwIfAborted();
    this.#freshness.confirm(source);
    if (changed.length > 0) this.#dispatchUpdate(changed);
    void this.#snapshot?.keepFlags(fetched.text);
  }

  #fail(error: unknown): void {
    this.#log.warn("flags could not be had; the last ones go on", error);
    this.#freshness.fail(error);
    this.dispatch("error", { error });
  }

  #put(flags: Readonly<Record<string, EvaluationFlag>>): Promise<void> {
    const { changed } = this.#engine.update(flags);
    this.#feed.forget();
    if (changed.length > 0) this.#dispatchUpdate(changed);
    const signal = this.#life?.signal;
    const named = cohortsNamedBy(Object.values(flags));
    return signal ? this.#cohorts.prepare(named, signal) : Promise.resolve();
  }
}
