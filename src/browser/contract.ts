import type { ExperimentUser, ExperimentUserProvider } from "./user.ts";
import type { Variant, Variants } from "./variant.ts";

/** What a fetch may say besides the user. */
export interface FetchOptions {
  /** The flags whose variants are fetched. Default: all of the deployment. */
  flagKeys?: string[];
}

/** What the client of a browser can do, and its stub. */
export interface Client {
  start(user?: ExperimentUser): Promise<void>;
  stop(): void;
  fetch(user?: ExperimentUser, options?: FetchOptions): Promise<Client>;
  variant(key: string, fallback?: string | Variant): Variant;
  all(): Variants;
  clear(): void;
  exposure(key: string): void;
  getUser(): ExperimentUser;
  setUser(user: ExperimentUser): void;
  /** @deprecated use `ExperimentConfig.userProvider` */
  getUserProvider(): ExperimentUserProvider;
  /** @deprecated use `ExperimentConfig.userProvider` */
  setUserProvider(userProvider: ExperimentUserProvider): Client;
}
