// Which pages of other origins may read an answer: client keys are made for them.

import type { Access } from "./deployments.ts";
import { READABLE } from "./headers.ts";

const MAX_AGE_SECONDS = 86_400;

export const PREFLIGHT: Readonly<Record<string, string>> = {
  ...READABLE,
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Headers":
    "Authorization, Content-Type, If-None-Match, X-API-Key, X-Amp-Exp-User, " +
    "X-Amp-Exp-Flag-Keys, X-Amp-Exp-Library, X-Amp-Exp-Track, X-Amp-Exp-Exposure-Track",
  "Access-Control-Max-Age": String(MAX_AGE_SECONDS),
};

const SHARED = { ...READABLE, "Access-Control-Expose-Headers": "ETag" };
const PRIVATE = {};

/** Whether anyone may see what the key opens. */
export function isShared({ deployment, kind }: Access): boolean {
  return kind === "client" || deployment.keys.isOpen;
}

/** A preflight carries no key, so it is allowed; the answer itself is shared or not. */
export function corsOf(access: Access): Readonly<Record<string, string>> {
  return isShared(access) ? SHARED : PRIVATE;
}
