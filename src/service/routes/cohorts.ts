// Downloads of cohorts, for clients that evaluate themselves, and the cohorts of a group.

import { Readable } from "node:stream";
import { createBrotliCompress, createGzip, constants as zlib } from "node:zlib";
import { readCohort } from "../cohort-document.ts";
import { corsOf } from "../cors.ts";
import type { Encoding } from "../flag-document.ts";
import { encodingOf } from "../negotiation.ts";
import { Problem } from "../problem.ts";
import type { RoutedRequest, Router } from "../router.ts";
import type { ServiceParts } from "../service.ts";
import type { CohortFile } from "../source.ts";

const compressors: Readonly<Record<Encoding, () => NodeJS.ReadWriteStream>> = {
  // Cohorts are large, and change often: fast is better than small.
  gzip: () => createGzip({ level: 3 }),
  br: () => createBrotliCompress({ params: { [zlib.BROTLI_PARAM_QUALITY]: 3 } }),
};

export function cohortRoutes(router: Router, { deployments }: ServiceParts): void {
  router.get("/sdk/v1/cohort/:cohortId", (request) => {
    const cohortId = request.param("cohortId");
    const found = deployments
      .findForCohorts(request.headers)
      .flatMap(({ source }) => source.state.cohorts)
      .find((cohort) => cohort.cohortId === cohortId);
    if (!found) throw Problem.text(404, "Cohort not found");
    return answer(request, found);
  });

  router.get("/sdk/v2/memberships/:groupType/:groupName", (request) => {
    const access = deployments.findReady(request.headers);
    const [groupType, groupName] = [request.param("groupType"), request.param("groupName")];
    if (!groupType.trim()) throw Problem.text(400, "Invalid group type");
    if (!groupName.trim()) throw Problem.text(400, "Invalid group name");
    const cohortIds = access.deployment.source.engine.cohortsOf(groupType, groupName);
    const headers = { "Cache-Control": "no-store", ...corsOf(access) };
    return Response.json(cohortIds, { headers });
  });
}

function answer({ headers, query }: RoutedRequest, cohort: CohortFile): Response {
  const { cohortId, size, lastModified } = cohort;
  const sizeMax = numberOf(query, "maxCohortSize");
  if (sizeMax !== undefined && size > sizeMax) {
    const message = `Cohort ${cohortId} sized ${size} is greater than max cohort size ${sizeMax}`;
    throw Problem.text(413, message);
  }
  if (numberOf(query, "lastModified") === lastModified) return new Response(null, { status: 204 });
  const answer: Record<string, string> = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "private, no-cache",
    Vary: "Accept-Encoding, Authorization",
  };
  const encoding = encodingOf(headers.get("accept-encoding"));
  const body = Readable.from(readCohort(cohort), { objectMode: false });
  if (!encoding) return streamed(body, answer);
  const compressor = compressors[encoding]() as Readable & NodeJS.WritableStream;
  body.once("error", (error) => compressor.destroy(error));
  compressor.once("close", () => body.destroy());
  body.pipe(compressor);
  return streamed(compressor, { ...answer, "Content-Encoding": encoding });
}

function streamed(body: Readable, headers: Record<string, string>): Response {
  return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, { headers });
}

/**
 * A whole number of the query; undefined = there is none.
 *
 * @throws {@link Problem} 400 for something else
 */
function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,16}$/.test(text)) return Number(text);
  const path = `query ${name}`;
  const message = `${path}: expected a whole number, got something else`;
  throw Problem.json(400, { code: "invalid-query", message, path });
}
