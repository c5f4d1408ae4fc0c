/** Of a text's UTF-8, by the alphabet for addresses and headers, without padding. */
export function base64UrlOf(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const latin = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(latin).replace(/[+/=]/g, (sign) => ({ "+": "-", "/": "_" })[sign] ?? "");
}

/**
 * The text whose UTF-8 was encoded.
 *
 * @throws if it is none
 */
export function decodeBase64(encoded: string): string {
  const bytes = Uint8Array.from(atob(encoded), (sign) => sign.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
