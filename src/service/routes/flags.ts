// Downloads of flags, for clients that evaluate themselves.

import { corsOf, isShared } from "../cors.ts";
import type { Access } from "../deployments.ts";
import type { FlagDocument } from "../flag-document.ts";
import { JSON_TYPE } from "../headers.ts";
import { encodingOf, isMatch } from "../negotiation.ts";
import type { ServiceParts } from "../parts.ts";
import { filterOf, flagKeysOf } from "../request-flags.ts";
import type { RoutedRequest, Router } from "../router.ts";

const PATHS = ["/sdk/v2/flags", "/v1/flags"];
/** Smaller ones are sent as they are. */
const COMPRESSED_MIN = 1024;
/** A CDN may answer for ten seconds, half a minute while it asks again, a day while we are down. */
const PERIODS = "max-age=10, stale-while-revalidate=30, stale-if-error=86400";

export function flagRoutes(router: Router, { deployments, limits }: ServiceParts): void {
  for (const path of PATHS) {
    router.get(path, async (request) => {
      const access = deployments.findReady(request.headers);
      const document = access.deployment.flagsFor(access.kind)!;
      const flagKeys = flagKeysOf(request.headers, request.query, limits);
      const keys = flagKeys && new Set(flagKeys);
      const filter = filterOf(request.query);
      if (!keys && !filter) return answer(request, access, document);
      const asked = document.filtered(({ key, metadata }) => {
        return (keys?.has(key) ?? true) && (filter?.(metadata) ?? true);
      });
      return answer(request, access, asked);
    });
  }
}

async function answer(
  { headers }: RoutedRequest,
  access: Access,
  document: FlagDocument,
): Promise<Response> {
  const common = {
    ETag: document.etag,
    // What server keys see is not for a cache that may pass over `Vary`.
    "Cache-Control": `${isShared(access) ? "public" : "private"}, ${PERIODS}`,
    Vary: "Authorization, X-API-Key, X-Amp-Exp-Flag-Keys, Accept-Encoding",
    ...corsOf(access),
  };
  if (isMatch(headers.get("if-none-match"), document.etag)) {
    return new Response(null, { status: 304, headers: common });
  }
  const encoding =
    document.text.length < COMPRESSED_MIN ? undefined : encodingOf(headers.get("accept-encoding"));
  if (!encoding) return new Response(document.text, { headers: { ...common, ...JSON_TYPE } });
  const body = (await document.compressed(encoding)) as Uint8Array<ArrayBuffer>;
  return new Response(body, { headers: { ...common, ...JSON_TYPE, "Content-Encoding": encoding } });
}
