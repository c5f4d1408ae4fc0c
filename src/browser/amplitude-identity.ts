// Who the user was when analytics ran last: known before analytics itself has loaded.

import { decodeBase64 } from "./base64.ts";
import { WebStorage } from "./storage.ts";

export interface PersistedIdentity {
  deviceId?: string;
  userId?: string;
}

const OLD_KEY_LENGTH = 6;
const NEW_KEY_LENGTH = 10;
const DEPLOYMENT_PREFIX = "client-";

/** @param apiKey - that of analytics; with a deployment's nothing is looked for */
export function persistedIdentity(apiKey: string): PersistedIdentity | undefined {
  if (!apiKey || apiKey.startsWith(DEPLOYMENT_PREFIX)) return undefined;
  const name = apiKey.length < NEW_KEY_LENGTH ? "" : `AMP_${apiKey.slice(0, NEW_KEY_LENGTH)}`;
  const oldName = apiKey.length < OLD_KEY_LENGTH ? "" : `amp_${apiKey.slice(0, OLD_KEY_LENGTH)}`;
  return (
    newIdentity(cookieOf(name)) ??
    oldIdentity(cookieOf(oldName)) ??
    identityOf(new WebStorage("localStorage").read(name)) ??
    identityOf(new WebStorage("sessionStorage").read(name))
  );
}

/** The cookies of the page; none where there are none, or where they are refused. */
export function pageCookies(): Record<string, string> | undefined {
  let cookie: string | undefined;
  try {
    cookie = globalThis.document?.cookie;
  } catch {
    // A sandboxed frame.
  }
  if (!cookie) return undefined;
  const pairs = cookie.split("; ").map((pair) => {
    const at = pair.indexOf("=");
    return at === -1 ? [pair, undefined] : [pair.slice(0, at), pair.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

function cookieOf(name: string): string {
  const cookies = pageCookies();
  const value = name && cookies && Object.hasOwn(cookies, name) ? cookies[name] : undefined;
  try {
    return decodeURIComponent(value ?? "");
  } catch {
    return "";
  }
}

function newIdentity(cookie: string): PersistedIdentity | undefined {
  if (!cookie) return undefined;
  try {
    return identityOf(JSON.parse(decodeURIComponent(decodeBase64(cookie))));
  } catch {
    return undefined;
  }
}

function oldIdentity(cookie: string): PersistedIdentity | undefined {
  if (!cookie) return undefined;
  const [deviceId, userId] = cookie.split(".");
  try {
    return { deviceId, userId: userId ? decodeBase64(userId) : undefined };
  } catch {
    return undefined;
  }
}

function identityOf(state: unknown): PersistedIdentity | undefined {
  return typeof state === "object" && state !== null ? state : undefined;
}
