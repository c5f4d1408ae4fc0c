// What a client has, and what it can read.

import { createHash } from "node:crypto";

export type Encoding = "br" | "gzip";

/** Characters of base64. */
const ETAG_LENGTH = 27;

/** The ETag of a text, weak: it is the same in all encodings. */
export function etagOf(text: string): string {
  return `W/"${createHash("sha256").update(text).digest("base64url").slice(0, ETAG_LENGTH)}"`;
}

/** Whether `If-None-Match` names the ETag; weakly, as RFC 9110 says. */
export function isMatch(header: string | null, etag: string): boolean {
  if (header === null) return false;
  const opaque = etag.replace(/^W\//, "");
  return header
    .split(",")
    .map((given) => given.trim().replace(/^W\//, ""))
    .some((given) => given === "*" || given === opaque);
}

/** The encoding that `Accept-Encoding` likes most, of two the smaller one; undefined = none. */
export function encodingOf(header: string | null): Encoding | undefined {
  const accepted = new Map<string, number>();
  for (const part of (header ?? "").toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((text) => text.trim());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    accepted.set(name, quality === undefined ? 1 : Number(quality.slice(2)));
  }
  const weightOf = (name: string) => accepted.get(name) ?? accepted.get("*") ?? 0;
  const best: Encoding = weightOf("gzip") > weightOf("br") ? "gzip" : "br";
  return weightOf(best) > 0 ? best : undefined;
}
