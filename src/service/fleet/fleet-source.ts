import { Engine } from "../../engine/index.ts";
import type { ResolvedConfig } from "../../local/config.ts";
import { pause } from "../../local/pause.ts";
import { secretsOf } from "../../local/secrets.ts";
import { Snapshot } from "../../local/snapshot.ts";
import { Log } from "../../sdk/log.ts";
import { Listeners } from "../listeners.ts";
import type { Source, SourceState } from "../source.ts";
import { resolveUpstream } from "../upstream-config.ts";
import { BlobStore } from "./blob-store.ts";
import { Board } from "./board.ts";
import { FLEET_TIMING, type FleetConfig, type FleetTiming } from "./config.ts";
import { Follower } from "./follower.ts";
import { FleetKeys } from "./keys.ts";
import { Leader } from "./leader.ts";
import { RedisLink } from "./redis-link.ts";

/** Flags that were not confirmed for so many polling intervals are stale. */
const STALE_INTERVALS = 3;
const LOOK_JITTER = 0.1;

/**
 * Flags and cohorts that several processes share through a Redis: one of them, whichever, downloads
 * and publishes them, and all follow what is published. See docs/fleet.md.
 */
export class FleetSource implements Source {
  readonly engine: Engine;
  readonly #upstream: ResolvedConfig;
  readonly #timing: FleetTiming;
  readonly #link: RedisLink;
  readonly #snapshot: Snapshot;
  readonly #follower: Follower;
  readonly #leader: Leader;
  readonly #listeners: Listeners;
  readonly #life = new AbortController();
  #beganAt = Date.now();
  #wasStale = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #running: Promise<unknown> = Promise.resolve();

  /** @throws Error or TypeError for an empty key, an address or prefix that is none */
  constructor(config: FleetConfig) {
    const { deploymentKey, redis, prefix = "halyard", cluster = false } = config;
    const upstream = resolveUpstream(deploymentKey, config.upstream);
    const timing = { ...FLEET_TIMING, ...config.timing };
    this.#link = new RedisLink({ redis, cluster, timeoutMillis: timing.commandMillis });
    const log = new Log(config, [...secretsOf(deploymentKey, upstream), ...passwordsOf(redis)]);
    const keys = new FleetKeys(prefix, deploymentKey);
    this.#upstream = upstream;
    this.#timing = timing;
    this.engine = Engine.loadSync({}, { shared: config.shared });
    this.#snapshot = new Snapshot(config.snapshotPath, log);
    const board = new Board(this.#link, keys);
    const blobs = new BlobStore(this.#link, keys);
    this.#listeners = new Listeners(log);
    const onChange = () => this.#listeners.tell();
    const shared = { board, blobs, log, onChange };
    this.#follower = new Follower({ ...shared, engine: this.engine, snapshot: this.#snapshot });
    const numberSeen = () => this.#follower.number;
    this.#leader = new Leader({ ...shared, deploymentKey, upstream, timing, numberSeen });
  }

  get flags(): string | undefined {
    return this.#follower.flags;
  }

  get state(): SourceState {
    const follower = this.#follower;
    return {
      kind: "fleet",
      place: this.#link.place,
      digest: follower.flags === undefined ? undefined : this.engine.digest,
      confirmedAt: follower.confirmedAt,
      isStale: this.#isStale,
      lastError: follower.error ?? this.#leader.error,
      warnings: this.engine.warnings,
      cohorts: follower.cohortFiles,
      fleet: {
        role: this.#leader.isLeading ? "leader" : "follower",
        isConnected: follower.isConnected,
        publication: follower.number || undefined,
      },
    };
  }

  get #isStale(): boolean {
    const { isHeldUp, confirmedAt = this.#beganAt } = this.#follower;
    const maxAge = this.#upstream.flagConfigPollingIntervalMillis * STALE_INTERVALS;
    return isHeldUp || Date.now() - confirmedAt > maxAge;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { signal } = this.#life;
    const patience = new AbortController();
    this.#beganAt = Date.now();
    try {
      const hasFlags = await this.#follower.restore(signal);
      signal.throwIfAborted();
      const first = new Promise<void>((resolve) => {
        this.#running = this.#run(signal, hasFlags, resolve);
      });
      const enough = AbortSignal.any([signal, patience.signal]);
      await Promise.race([first, this.#running, pause(this.#timing.patienceMillis, enough)]);
    } catch (error) {
      // Whoever stops it does not wait for flags.
      if (!signal.aborted) throw error;
    } finally {
      patience.abort();
    }
  }

  async #run(life: AbortSignal, hasFlags: boolean, onFirst: () => void): Promise<void> {
    const stopped = new Promise((resolve) => {
      life.addEventListener("abort", resolve, { once: true });
    });
    await Promise.race([this.#link.open(), stopped]);
    await Promise.all([this.#follow(life, hasFlags, onFirst), this.#leader.run(life)]);
  }

  async #follow(life: AbortSignal, hasFlags: boolean, onFirst: () => void): Promise<void> {
    const follower = this.#follower;
    while (!life.aborted) {
      await follower.look(life);
      if (follower.number > 0 || hasFlags) onFirst();
      const isStale = this.#isStale;
      if (isStale !== this.#wasStale) this.#listeners.tell();
      this.#wasStale = isStale;
      const millis = this.#timing.pollMillis * (1 - LOOK_JITTER + 2 * LOOK_JITTER * Math.random());
      await pause(millis, life).catch(() => {});
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#life.abort(new DOMException("the source was stopped", "AbortError"));
    await this.#starting?.catch(() => {});
    // What it throws, start has thrown.
    await this.#running.catch(() => {});
    this.#link.close();
    await this.#snapshot.flush();
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }
}

/** What no log line may have in it, of addresses that a link has taken. */
function passwordsOf(redis: FleetConfig["redis"]): string[] {
  return [redis]
    .flat()
    .map((address) => new URL(address).password)
    .flatMap((password) => (password ? [password, decodeURIComponent(password)] : []));
}
