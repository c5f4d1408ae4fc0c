// What a client has, and what it can read.

import type { Encoding } from "./flag-document.ts";

/** Whether `If-None-Match` names the ETag; weakly, as RFC 9110 says. */
export function isMatch(header: string | null, etag: string): boolean {
  if (header === null) return false;
  const opaque = etag.replace(/^W\//, "");
  return header
    .split(",")
    .map((given) => given.trim().replace(/^W\//, ""))
    .some((given) => given === "*" || given === opaque);
}

/** The best encoding that `Accept-Encoding` allows; undefined = none. */
export function encodingOf(header: string | null): Encoding | undefined {
  const accepted = new Map<string, number>();
  for (const part of (header ?? "").toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((text) => text.trim());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    accepted.set(name, quality === undefined ? 1 : Number(quality.slice(2)));
  }
  const allows = (name: Encoding) => (accepted.get(name) ?? accepted.get("*") ?? 0) > 0;
  return (["br", "gzip"] as const).find(allows);
}
