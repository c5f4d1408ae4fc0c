import type { Client, FetchOptions } from "./contract.ts";
import type { ExperimentUser, ExperimentUserProvider } from "./user.ts";
import type { Variant, Variants } from "./variant.ts";

/** A client that does nothing, for servers that render pages. */
export class StubExperimentClient implements Client {
  getUser(): ExperimentUser {
    return {};
  }

  async start(_user?: ExperimentUser): Promise<void> {}

  stop(): void {}

  setUser(_user: ExperimentUser): void {}

  async fetch(_user?: ExperimentUser, _options?: FetchOptions): Promise<StubExperimentClient> {
    return this;
  }

  getUserProvider(): ExperimentUserProvider {
    return null as unknown as ExperimentUserProvider;
  }

  setUserProvider(_userProvider: ExperimentUserProvider): StubExperimentClient {
    return this;
  }

  variant(_key: string, _fallback?: string | Variant): Variant {
    return {};
  }

  all(): Variants {
    return {};
  }

  clear(): void {}

  exposure(_key: string): void {}
}
