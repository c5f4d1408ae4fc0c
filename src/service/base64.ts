import { Buffer } from "node:buffer";

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** A text from base64 or base64url, padded or not; undefined for what is neither, or not UTF-8. */
export function decodeBase64(base64: string): string | undefined {
  // Buffer passes over what is not base64.
  if (!BASE64.test(base64)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    return undefined;
  }
}
