import { Log, LogLevel } from "../sdk/log.ts";
import { Api } from "./api.ts";
import { type ExperimentConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import type { Client, FetchOptions } from "./contract.ts";
import { exposureOf, isTracked, type SourcedVariant } from "./exposure.ts";
import { ExposureFilter, isSameUser } from "./exposure-filter.ts";
import { FlagPoller } from "./flag-poller.ts";
import { Integration } from "./integration.ts";
import { LegacyAnalytics } from "./legacy-analytics.ts";
import { LocalFlags } from "./local-flags.ts";
import type { ExperimentPlugin, IntegrationPlugin } from "./plugin.ts";
import { Resolver } from "./resolver.ts";
import { Source } from "./source.ts";
import { namespaceOf, WebStorage } from "./storage.ts";
import { TrackingOption } from "./tracking-option.ts";
import { isTimeout } from "./transport.ts";
import { copyOf, type ExperimentUser, type ExperimentUserProvider } from "./user.ts";
import { type Subject, UserContext } from "./user-context.ts";
import {
  evaluatedVariant,
  storedVariant,
  type Variant,
  type Variants,
  variantsOf,
} from "./variant.ts";
import { VariantFetches } from "./variant-fetches.ts";
import { VariantStore } from "./variant-store.ts";

/** Fetches, evaluates and keeps the variants of one user, as Amplitude's browser SDK does. */
export class ExperimentClient implements Client {
  readonly #apiKey: string;
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  readonly #isVerbose: boolean;
  readonly #api: Api;
  readonly #flags: LocalFlags;
  readonly #variants: VariantStore;
  readonly #initialVariants: ReadonlyMap<string, Variant>;
  readonly #tracking: TrackingOption;
  readonly #resolver: Resolver;
  readonly #users: UserContext;
  readonly #integration: Integration;
  readonly #fetches: VariantFetches;
  readonly #poller: FlagPoller;
  readonly #filter: ExposureFilter;
  readonly #legacy: LegacyAnalytics | undefined;
  #starting: Promise<void> | undefined;
  /** Another one after each stop. */
  #life = {};

  /**
   * In a browser `Experiment.initialize` makes clients: it adds what the browser knows of the user.
   *
   * @param apiKey - the deployment key; with an empty one there are no variants
   * @param config - is not written to
   */
  constructor(apiKey: string, config?: ExperimentConfig | null) {
    const resolved = resolveConfig(config);
    const { instanceName, initialFlags, initialVariants, analyticsProvider } = resolved;
    this.#apiKey = apiKey ?? "";
    this.#config = resolved;
    this.#log = new Log(resolved, [apiKey]);
    this.#isVerbose = resolved.debug || resolved.logLevel >= LogLevel.Debug;
    this.#api = new Api(this.#apiKey, resolved);
    const local = new WebStorage("localStorage");
    const namespace = namespaceOf(this.#apiKey, instanceName);
    this.#flags = new LocalFlags(local, `${namespace}-flags`, initialFlags, this.#log);
    this.#variants = new VariantStore(local, namespace);
    this.#tracking = new TrackingOption(local, `${namespace}-variants-options`);
    const initial = Object.entries(initialVariants).map(
      ([flagKey, variant]) => [flagKey, storedVariant(variant)] as const,
    );
    this.#initialVariants = new Map(
      initial.filter((entry): entry is [string, Variant] => !!entry[1]),
    );
    this.#integration = new Integration(resolved, this.#log);
    const integrated = () => this.#integration.getUser();
    this.#users = new UserContext(resolved.userProvider, integrated, this.#log);
    this.#resolver = this.#newResolver();
    this.#fetches = this.#newFetches();
    this.#poller = new FlagPoller(resolved.flagConfigPollingIntervalMillis, () => this.#poll());
    const session = new WebStorage("sessionStorage");
    this.#filter = new ExposureFilter(session, `EXP_sent_provider_${instanceName}`, isSameUser);
    this.#legacy = analyticsProvider && new LegacyAnalytics(analyticsProvider);
  }

  #newResolver(): Resolver {
    const flags = this.#flags;
    return new Resolver({
      source: this.#config.source,
      fallbackVariant: this.#config.fallbackVariant,
      initialVariant: (flagKey) => {
        const variant = this.#initialVariants.get(flagKey);
        return variant && { ...variant };
      },
      storedVariant: (flagKey) => this.#variants.get(flagKey),
      flag: (flagKey) => flags.get(flagKey),
      evaluate: (flagKey, subject) => {
        const evaluated = flags.evaluate(subject, flagKey);
        return evaluated && evaluatedVariant(evaluated);
      },
    });
  }

  #newFetches(): VariantFetches {
    return new VariantFetches({
      api: this.#api,
      store: this.#variants,
      tracking: this.#tracking,
      config: this.#config,
      log: this.#log,
      complete: async (user) => {
        await this.#integration.ready;
        return this.#users.complete(user);
      },
    });
  }

  /**
   * Fetches flags and variants, then asks for flags time and again. Resolves when there are both,
   * or they could not be had; all callers get one promise, until {@link stop}.
   *
   * @param user - as {@link setUser} takes it
   * @throws the first error, if `throwOnError`; it can be called again then
   */
  start(user?: ExperimentUser): Promise<void> {
    this.#starting ??= this.#start(user);
    return this.#starting;
  }

  async #start(user: ExperimentUser | undefined): Promise<void> {
    this.setUser(user!);
    const life = this.#life;
    const { fetchOnStart, pollOnStart, throwOnError, fetchTimeoutMillis } = this.#config;
    const flags = this.#fetchFlags();
    const variants = fetchOnStart ? this.fetch(user) : undefined;
    // Of flags and variants each is good without the other.
    const outcomes = await Promise.allSettled([flags, variants]);
    // Only now it is known whether there are flags to evaluate.
    const core = await Promise.allSettled([this.#flags.ready(fetchTimeoutMillis)]);
    if (life !== this.#life) return;
    const failed = [...outcomes, ...core].find((outcome) => outcome.status === "rejected");
    if (failed && throwOnError) {
      this.#starting = undefined;
      throw failed.reason;
    }
    if (pollOnStart) this.#poller.start(outcomes[0].status === "rejected");
  }

  /** Asks for flags no more. */
  stop(): void {
    this.#poller.stop();
    this.#starting = undefined;
    this.#life = {};
  }

  /**
   * Fetches the variants of a user, and stores them; a fetch that fails is repeated in the
   * background. What is fetched for a user that is no longer the last one fetched for is dropped.
   *
   * @param user - becomes the client's user. Default: the client's user
   * @throws the error of the request, if `throwOnError`
   */
  async fetch(user?: ExperimentUser, options?: FetchOptions): Promise<ExperimentClient> {
    const asked = user === undefined ? this.#users.user : user;
    this.setUser(asked || {});
    try {
      await this.#fetches.fetch({ user: this.#users.user, options });
    } catch (error) {
      if (this.#config.throwOnError) throw error;
      if (isTimeout(error)) this.#log.debug("fetching variants failed", error);
      else this.#log.error("fetching variants failed", error);
    }
    return this;
  }

  /**
   * The variant of a flag, from the sources that docs/browser.md lists. Tracks the exposure to it,
   * unless `automaticExposureTracking` is off.
   *
   * @param fallback - if there is none; a text is a variant's key and value
   */
  variant(key: string, fallback?: string | Variant): Variant {
    // The shape of Amplitude's answer.
    if (!this.#apiKey) return { value: undefined };
    const { subject } = this.#users;
    const sourced = this.#resolver.resolve(key, fallback, subject);
    const { variant = {} } = sourced;
    if (this.#config.automaticExposureTracking) this.#expose(key, sourced, subject);
    if (this.#isVerbose) this.#log.debug(`variant for ${key} is ${variant.key || variant.value}`);
    return variant;
  }

  /** Tracks the exposure to a flag's variant, for clients that do not by themselves. */
  exposure(key: string): void {
    const { subject } = this.#users;
    this.#expose(key, this.#resolver.resolve(key, undefined, subject), subject);
  }

  /** The variants of all flags, without fallbacks. */
  all(): Variants {
    if (!this.#apiKey) return {};
    const evaluated = this.#flags.evaluateAll(this.#users.subject);
    const initial = variantsOf(this.#initialVariants);
    const isInitialFirst = this.#config.source === Source.InitialVariants;
    return {
      ...(isInitialFirst ? this.#variants.all : initial),
      ...(isInitialFirst ? initial : this.#variants.all),
      ...Object.fromEntries(evaluated.map(([key, variant]) => [key, evaluatedVariant(variant)])),
    };
  }

  /** Forgets the variants that were fetched. */
  clear(): void {
    this.#variants.clear();
  }

  /** A copy of the user that was set. */
  getUser(): ExperimentUser {
    const { user } = this.#users;
    return user ? copyOf(user) : (user as unknown as ExperimentUser);
  }

  /** Says who the user is; the object is copied. Variants are not fetched. */
  setUser(user: ExperimentUser): void {
    this.#users.user = user ? copyOf(user) : null;
  }

  /** @deprecated use `ExperimentConfig.userProvider` */
  getUserProvider(): ExperimentUserProvider {
    return this.#users.provider!;
  }

  /** @deprecated use `ExperimentConfig.userProvider` */
  setUserProvider(userProvider: ExperimentUserProvider): ExperimentClient {
    this.#users.provider = userProvider;
    return this;
  }

  /** Whether the server tracks assignments when variants are fetched; it is stored. */
  async setTracksAssignment(doTrack: boolean): Promise<void> {
    this.#tracking.set(doTrack);
  }

  /** Connects an analytics SDK, instead of the one that was. */
  addPlugin(plugin: ExperimentPlugin): void {
    if (plugin.type === "integration") this.#integration.set(plugin as IntegrationPlugin, this);
  }

  async #fetchFlags(): Promise<void> {
    try {
      this.#flags.replace(await this.#api.flags());
    } catch (error) {
      this.#log.warn("fetching flags failed", error);
      throw error;
    }
  }

  #poll(): Promise<void> {
    return this.#fetchFlags().catch(() => {});
  }

  #expose(key: string, sourced: SourcedVariant, { user }: Subject): void {
    if (!isTracked(sourced)) return;
    const { variant, source } = sourced;
    this.#guard(() => this.#legacy?.track(key, variant, source, user));
    const exposure = exposureOf(key, sourced);
    if (!exposure) return;
    const provider = this.#config.exposureTrackingProvider;
    if (provider && this.#filter.admit(exposure, user)) {
      const isDone = this.#guard(() => provider.track(exposure));
      if (!isDone) this.#filter.withdraw(exposure);
    }
    this.#guard(() => this.#integration.track(exposure, user));
  }

  /** Nobody gets worse variants because tracking fails. Answers whether it has not. */
  #guard(track: () => void): boolean {
    try {
      track();
      return true;
    } catch (error) {
      this.#log.error("an exposure could not be tracked", error);
      return false;
    }
  }
}
