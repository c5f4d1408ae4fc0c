// Downloads of cohorts, for clients that evaluate themselves, and the cohorts of a group.

import { Readable } from "node:stream";
import { createBrotliCompress, createGzip, constants as zlib } from "node:zlib";
import { corsOf } from "../cors.ts";
import type { Deployment } from "../deployment.ts";
import { readCohort } from "../files/cohort-document.ts";
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
  const find = (deploymentsOfKeys: readonly Deployment[], cohortId: string): CohortFile => {
    const cohorts = deploymentsOfKeys.flatMap(({ source }) => source.state.cohorts);
    const found = cohorts.find((cohort) => cohort.cohortId === cohortId);
    if (!found) throw Problem.text(404, "Cohort not found");
    return found;
  };

  router.get("/sdk/v1/cohort/:cohortId", async (request) => {
    const found = deployments.findForCohorts(request.headers);
    const cohort = find(found, request.param("cohortId"));
    const isSame = numberOf(request.query, "lastModified") === cohort.lastModified;
    checkSize(request.query, cohort);
    return isSame ? new Response(null, { status: 204 }) : answer(request, cohort);
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

function checkSize(query: URLSearchParams, { cohortId, size }: CohortFile): void {
  const sizeMax = numberOf(query, "maxCohortSize");
  if (sizeMax === undefined || size <= sizeMax) return;
  const message = `Cohort ${cohortId} sized ${size} is greater than max cohort size ${sizeMax}`;
  throw Problem.text(413, message);
}

async function answer({ headers }: RoutedRequest, cohort: CohortFile): Promise<Response> {
  const answer: Record<string, string> = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "private, no-cache",
    Vary: "Accept-Encoding, Authorization",
  };
  const body = Readable.from(await begun(cohort), { objectMode: false });
  const encoding = encodingOf(headers.get("accept-encoding"));
  if (!encoding) return streamed(body, answer);
  const compressor = compressors[encoding]() as Readable & NodeJS.WritableStream;
  body.once("error", (error) => compressor.destroy(error));
  compressor.once("close", () => body.destroy());
  body.pipe(compressor);
  return streamed(compressor, { ...answer, "Content-Encoding": encoding });
}

/** A cohort's body, of which the first part is there: after that no status can be answered. */
async function begun(cohort: CohortFile): Promise<AsyncIterable<Uint8Array>> {
  const chunks = readCohort(cohort);
  const first = await chunks.next().catch(() => {
    const message = `cohort ${cohort.cohortId} is being replaced by a newer one`;
    throw Problem.json(503, { code: "not-ready", message }, { "Retry-After": "1" });
  });
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      yield* chunks;
    } finally {
      await chunks.return(undefined);
    }
  })();
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
