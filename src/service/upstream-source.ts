import pRetry from "p-retry";
import type { Engine } from "../engine/index.ts";
import { LocalEvaluationClient } from "../local/client.ts";
import type { CohortState } from "../local/cohort-sync.ts";
import { pause } from "../local/pause.ts";
import type { Snapshot } from "../local/snapshot.ts";
import { HttpError } from "../sdk/http.ts";
import { Log, type LogOptions, reasonOf } from "../sdk/log.ts";
import { printable } from "../sdk/printable.ts";
import { Listeners } from "./listeners.ts";
import type { CohortFile, Source, SourceState } from "./source.ts";
import { resolveUpstream, type UpstreamConfig } from "./upstream-config.ts";

/** How often it is tried to have the first flags, in ms. */
export interface UpstreamPatience {
  retryMinMillis: number;
  retryMaxMillis: number;
  /** What `start()` waits for a server that does not answer; then it goes on. Default: 5000. */
  startMillis?: number;
}

export interface UpstreamSourceOptions {
  /** A server deployment's key. */
  deploymentKey: string;
  config?: UpstreamConfig;
  /** A directory for the last good flags and cohorts. */
  snapshotPath: string;
  /** Whether workers can attach to flags and cohorts. Default: false. */
  shared?: boolean;
  log?: LogOptions;
  patience?: UpstreamPatience;
}

const START_MILLIS = 5_000;
const PATIENCE: UpstreamPatience = { retryMinMillis: 1_000, retryMaxMillis: 60_000 };

/** Flags and cohorts of Amplitude's servers, or of others that answer as they do. */
export class UpstreamSource implements Source {
  readonly #client: LocalEvaluationClient;
  readonly #snapshot: Snapshot;
  readonly #place: string;
  readonly #patience: UpstreamPatience;
  readonly #listeners: Listeners;
  /** Why there are no first flags. */
  #startError: string | undefined;
  #life: AbortController | undefined;
  #starting: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  /** @throws Error for keys, addresses or a directory with which nothing can be had */
  constructor(options: UpstreamSourceOptions) {
    const { deploymentKey, config = {}, snapshotPath, shared, log, patience } = options;
    const resolved = resolveUpstream(deploymentKey, config);
    if (!snapshotPath) throw new Error("snapshotPath: expected a path, got an empty text");
    const client = new LocalEvaluationClient(deploymentKey, {
      ...config,
      ...log,
      snapshotPath,
      shared,
    });
    this.#client = client;
    this.#snapshot = client.parts.snapshot!;
    // Its query may have a secret in it.
    this.#place = resolved.serverUrl.replace(/[?#].*$/s, "");
    this.#patience = patience ?? PATIENCE;
    this.#listeners = new Listeners(new Log(log ?? {}, []));
    const tell = () => this.#listeners.tell();
    for (const name of ["ready", "update", "error", "stale"] as const) client.on(name, tell);
    client.onQuietChange = tell;
    this.#snapshot.onCohortPlaced = tell;
  }

  get engine(): Engine {
    return this.#client.parts.engine;
  }

  get flags(): string | undefined {
    const { source } = this.#client.status();
    return source === undefined ? undefined : this.#client.cache.text;
  }

  get state(): SourceState {
    const { source, digest, confirmedAt, isStale, lastError, cohorts } = this.#client.status();
    const failed = cohorts.find(({ error }) => error !== undefined);
    const cohortError = failed && `cohort ${failed.cohortId}: ${failed.error}`;
    const error = lastError ?? this.#startError ?? cohortError;
    return {
      kind: "upstream",
      place: this.#place,
      digest: source === undefined ? undefined : digest,
      confirmedAt,
      isStale: isStale || this.#startError !== undefined,
      lastError: error === undefined ? undefined : printable(error),
      warnings: this.engine.warnings,
      cohorts: this.#filesOf(cohorts),
    };
  }

  /** Of those that are live, and whose file is in its place. */
  #filesOf(cohorts: readonly CohortState[]): CohortFile[] {
    const files: CohortFile[] = [];
    for (const { cohortId, groupType, size, lastModified = 0 } of cohorts) {
      const path = this.#snapshot.fileOf(cohortId)?.path;
      if (path === undefined || groupType === undefined || size === undefined) continue;
      files.push({ cohortId, groupType, size, lastModified, path, format: "json" });
    }
    return files;
  }

  /** Resolves when the first flags are live or cannot be had for now; never throws. */
  start(): Promise<void> {
    if (!this.#starting) {
      const life = new AbortController();
      const before = this.#running;
      this.#life = life;
      this.#starting = new Promise((resolve) => {
        const { startMillis = START_MILLIS } = this.#patience;
        const late = setTimeout(resolve, startMillis);
        const onAttempt = () => {
          clearTimeout(late);
          resolve();
        };
        this.#running = before.then(() => this.#keepStarting(life.signal, onAttempt));
      });
    }
    return this.#starting;
  }

  /** Ends all requests and timers; the last flags stay, and {@link start} may be called again. */
  async stop(): Promise<void> {
    this.#life?.abort(new DOMException("the source was stopped", "AbortError"));
    this.#life = undefined;
    this.#starting = undefined;
    await this.#client.stop();
    await this.#running;
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Until there are first flags; from then on the client goes on by itself. */
  async #keepStarting(signal: AbortSignal, onAttempt: () => void): Promise<void> {
    const { retryMinMillis, retryMaxMillis } = this.#patience;
    const attempt = () => this.#tryStart(signal).finally(onAttempt);
    const retries = pRetry(attempt, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: retryMinMillis,
      maxTimeout: retryMaxMillis,
      randomize: true,
      signal,
      shouldRetry: async ({ error: { cause } }) => {
        const asked = cause instanceof HttpError ? (cause.retryAfterMillis ?? 0) : 0;
        await pause(Math.min(asked, retryMaxMillis), signal);
        return true;
      },
    });
    // Nothing but `stop` ends it.
    await retries.catch(onAttempt);
  }

  async #tryStart(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.start();
      this.#startError = undefined;
    } catch (error) {
      signal.throwIfAborted();
      this.#startError = reasonOf(error);
      // p-retry takes a TypeError for a fault of the program.
      throw new Error("upstream: there are no flags yet", { cause: error });
    } finally {
      this.#listeners.tell();
    }
  }
}
