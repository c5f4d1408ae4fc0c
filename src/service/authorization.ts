import { decodeBase64 } from "./base64.ts";

function credentialsOf(headers: Headers, scheme: string): string | undefined {
  const header = headers.get("authorization");
  if (header?.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  return header.slice(scheme.length).trim() || undefined;
}

/**
 * The deployment key of a request: `Authorization: Api-Key`, as Amplitude's SDKs send it, or
 * `Authorization: Bearer` or `X-API-Key`, as OpenFeature's.
 */
export function apiKeyOf(headers: Headers): string | undefined {
  return (
    credentialsOf(headers, "api-key ") ??
    credentialsOf(headers, "bearer ") ??
    (headers.get("x-api-key") || undefined)
  );
}

/** `apiKey:secretKey` of a request for cohorts, from `Authorization: Basic`. */
export function cohortKeysOf(headers: Headers): string | undefined {
  const text = credentialsOf(headers, "basic ");
  return text === undefined ? undefined : decodeBase64(text);
}
