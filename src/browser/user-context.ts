import type { EvaluationContext } from "../engine/index.ts";
import type { Log } from "../sdk/log.ts";
import { pageCookies } from "./amplitude-identity.ts";
import { DefaultUserProvider, pageAddress } from "./default-user-provider.ts";
import { type ExperimentUser, type ExperimentUserProvider, mergedUser } from "./user.ts";
import { UserWatch } from "./user-watch.ts";

type MaybeUser = ExperimentUser | null | undefined;
type Provide = () => ExperimentUser | undefined;

/** Whom flags are evaluated for. */
export interface Subject {
  user: ExperimentUser;
  /** Reads where the page is. */
  address: typeof pageAddress;
  /** What else the user has, but is slow to read: each is read when a flag asks for it. */
  lazy: Readonly<Record<string, () => unknown>>;
  /** What is evaluated, once it has been. */
  context?: EvaluationContext;
}

/**
 * All that is known of the user: what the caller says, the integration, the provider and the page,
 * in this order. It is put together anew when one of them has something new to say.
 */
export class UserContext {
  readonly #log: Log;
  readonly #integration: Provide;
  readonly #provided = new UserWatch();
  readonly #integrated = new UserWatch();
  #provider: ExperimentUserProvider | null | undefined;
  #user: MaybeUser;
  #subject: Subject | undefined;

  constructor(provider: ExperimentUserProvider | null | undefined, integration: Provide, log: Log) {
    this.#provider = provider;
    this.#integration = integration;
    this.#log = log;
  }

  get provider(): ExperimentUserProvider | null | undefined {
    return this.#provider;
  }

  set provider(provider: ExperimentUserProvider | null | undefined) {
    this.#provider = provider;
    this.#subject = undefined;
  }

  /** What the caller says; to be replaced, not to be written to. */
  get user(): MaybeUser {
    return this.#user;
  }

  set user(user: MaybeUser) {
    this.#user = user;
    this.#subject = undefined;
  }

  /** Of this moment. */
  get subject(): Subject {
    const provided = this.#providedUser();
    const integrated = this.#ask(this.#integration);
    const known = this.#subject;
    const isSame = this.#provided.isSame(provided) && this.#integrated.isSame(integrated);
    if (known && isSame) return known;
    this.#provided.remember(provided);
    this.#integrated.remember(integrated);
    const page = this.#page;
    const user = mergedUser(page?.pageUser(), provided, integrated, this.#user);
    const lazy = page && { cookie: pageCookies, url_param: () => page.urlParameters };
    this.#subject = { user, address: pageAddress, lazy: lazy ?? {} };
    return this.#subject;
  }

  /** A user with what else is known of it, but for cookies. */
  complete(user: MaybeUser): ExperimentUser {
    const integrated = this.#ask(this.#integration);
    const page = this.#page;
    const told = page && { ...page.pageUser(), url_param: page.urlParameters };
    return mergedUser(told, this.#providedUser(), integrated, user);
  }

  get #page(): DefaultUserProvider | undefined {
    return this.#provider instanceof DefaultUserProvider ? this.#provider : undefined;
  }

  #providedUser(): ExperimentUser | undefined {
    const page = this.#page;
    const asked = page ? page.inner : this.#provider;
    return asked ? this.#ask(() => asked.getUser()) : undefined;
  }

  #ask(provide: Provide): ExperimentUser | undefined {
    try {
      return provide();
    } catch (error) {
      this.#log.error("a provider could not say who the user is", error);
      return undefined;
    }
  }
}
