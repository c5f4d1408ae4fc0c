import { pageCookies } from "./amplitude-identity.ts";
import { WebStorage } from "./storage.ts";
import type { ExperimentUser, ExperimentUserProvider } from "./user.ts";
import { browserOf, categoryOf, commonNameOf, systemOf } from "./user-agent.ts";

const KEY_LENGTH = 10;

/** Where the page is; undefined on servers. */
export function pageAddress(): string | undefined {
  return globalThis.location?.href;
}

/** Says what the browser tells of the user, and what another provider does. */
export class DefaultUserProvider implements ExperimentUserProvider {
  readonly inner: ExperimentUserProvider | undefined;
  readonly #storageKey: string;
  readonly #device = deviceUser();
  #landingUrl: string | undefined;
  #firstSeen: string | undefined;
  #parameters: { address?: string; values: ExperimentUser["url_param"] } | undefined;

  /** @param inner - has precedence */
  constructor(inner: ExperimentUserProvider | undefined, apiKey: string) {
    this.inner = inner;
    this.#storageKey = `EXP_${apiKey.slice(0, KEY_LENGTH)}_DEFAULT_USER_PROVIDER`;
  }

  getUser(): ExperimentUser {
    const cookie = pageCookies();
    const url_param = this.urlParameters;
    return { ...this.pageUser(), url_param, cookie, ...this.inner?.getUser() };
  }

  /** What is known of the user for as long as the page is there. */
  pageUser(): ExperimentUser {
    const here = () => pageAddress()?.replace(/\/$/, "");
    this.#landingUrl ??= this.#remembered("sessionStorage", "landing_url", here);
    const now = () => String(Date.now() / 1000);
    this.#firstSeen ??= this.#remembered("localStorage", "first_seen", now);
    return { ...this.#device, landing_url: this.#landingUrl, first_seen: this.#firstSeen };
  }

  /** Of the page's address, which may change. */
  get urlParameters(): ExperimentUser["url_param"] {
    const address = pageAddress();
    if (this.#parameters?.address !== address) {
      this.#parameters = { address, values: parametersOf(address) };
    }
    return this.#parameters?.values;
  }

  /** What was stored first, now if need be; undefined where nothing can be stored. */
  #remembered(
    area: "localStorage" | "sessionStorage",
    name: string,
    newValue: () => string | undefined,
  ): string | undefined {
    const storage = new WebStorage(area);
    const stored = storage.read(this.#storageKey);
    const entry = (typeof stored === "object" ? stored : undefined) as Record<string, unknown>;
    const known = entry?.[name];
    if (known) return known as string;
    const value = newValue();
    const isKept = storage.put(this.#storageKey, JSON.stringify({ ...entry, [name]: value }));
    return isKept ? value : undefined;
  }
}

function deviceUser(): ExperimentUser {
  const { navigator, document } = globalThis as Partial<typeof globalThis>;
  const agent = navigator?.userAgent;
  const { name, major } = browserOf(agent ?? "");
  return {
    language: navigator?.languages?.[0] || navigator?.language || "",
    platform: "Web",
    os: [name, major].filter((part) => part !== undefined).join(" "),
    device_model: systemOf(agent ?? ""),
    device_category: categoryOf(agent ?? "") ?? "desktop",
    referring_url: document?.referrer?.replace(/\/$/, ""),
    browser: name && commonNameOf(name),
    user_agent: agent,
  };
}

/** Each parameter's value; a list if there are several, or one with commas. */
function parametersOf(address: string | undefined): ExperimentUser["url_param"] {
  const values = new Map<string, string[]>();
  try {
    for (const [name, value] of new URL(address!).searchParams) {
      values.set(name, [...(values.get(name) ?? []), ...value.split(",")]);
    }
  } catch {
    return undefined;
  }
  const entries = Array.from(values, ([name, all]) => [name, all.length === 1 ? all[0] : all]);
  return Object.fromEntries(entries);
}
