// Downloads of cohorts, for clients that evaluate themselves, and the cohorts of a group.

import { once } from "node:events";
import { Readable } from "node:stream";
import { createBrotliCompress, createGzip, constants as zlib } from "node:zlib";
import { reasonOf } from "../../sdk/log.ts";
import { corsOf } from "../cors.ts";
import { CohortReplaced, readCohort } from "../files/cohort-document.ts";
import { JSON_TYPE, UNCACHED } from "../headers.ts";
import type { ServiceLog } from "../log.ts";
import { type Encoding, encodingOf } from "../negotiation.ts";
import type { ServiceParts } from "../parts.ts";
import { Problem, serverKeyNeeded } from "../problem.ts";
import type { RoutedRequest, Router } from "../router.ts";
import type { CohortFile } from "../source.ts";

const compressors: Readonly<Record<Encoding, () => NodeJS.ReadWriteStream>> = {
  // Cohorts are large, and change often: fast is better than small.
  gzip: () => createGzip({ level: 3 }),
  br: () => createBrotliCompress({ params: { [zlib.BROTLI_PARAM_QUALITY]: 3 } }),
};

export function cohortRoutes(router: Router, { deployments, log }: ServiceParts): void {
  router.get("/sdk/v1/cohort/:cohortId", (request) => {
    const cohortId = request.param("cohortId");
    const found = deployments
      .findForCohorts(request.headers)
      .flatMap(({ source }) => source.state.cohorts)
      .find((cohort) => cohort.cohortId === cohortId);
    if (!found) throw Problem.text(404, "Cohort not found");
    return answer(request, found, log);
  });

  router.get("/sdk/v2/memberships/:groupType/:groupName", (request) => {
    const access = deployments.findReady(request.headers);
    // Whoever has a browser has a client key.
    if (access.kind === "client") throw serverKeyNeeded();
    const [groupType, groupName] = [request.param("groupType"), request.param("groupName")];
    if (!groupType.trim()) throw Problem.text(400, "Invalid group type");
    if (!groupName.trim()) throw Problem.text(400, "Invalid group name");
    const cohortIds = access.deployment.source.engine.cohortsOf(groupType, groupName);
    const headers = { ...UNCACHED, ...corsOf(access) };
    return Response.json(cohortIds, { headers });
  });
}

async function answer(
  { headers, query, raw }: RoutedRequest,
  cohort: CohortFile,
  log: ServiceLog,
): Promise<Response> {
  const { cohortId, size, lastModified } = cohort;
  const sizeMax = numberOf(query, "maxCohortSize");
  if (sizeMax !== undefined && size > sizeMax) {
    const message = `Cohort ${cohortId} sized ${size} is greater than max cohort size ${sizeMax}`;
    throw Problem.text(413, message);
  }
  if (numberOf(query, "lastModified") === lastModified)
    return new Response(null, { status: 204, headers: UNCACHED });
  const encoding = encodingOf(headers.get("accept-encoding"));
  const answer = {
    ...JSON_TYPE,
    "Cache-Control": "private, no-cache",
    Vary: "Accept-Encoding, Authorization",
    ...(encoding && { "Content-Encoding": encoding }),
  };
  // Nobody reads the body of a HEAD, so nobody would close the file.
  if (raw.method === "HEAD") return new Response(null, { headers: answer });
  const body = compressed(await opened(cohort, log), encoding);
  return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, { headers: answer });
}

/**
 * The cohort, after it has been found readable.
 *
 * @throws {@link Problem} 503: its file may have been replaced just now
 */
async function opened(cohort: CohortFile, log: ServiceLog): Promise<Readable> {
  const body = Readable.from(readCohort(cohort), { objectMode: false });
  try {
    await once(body, "readable");
    return body;
  } catch (error) {
    const { cohortId } = cohort;
    // What comes with every edit is no fault: whoever asks again has the new members.
    const level = error instanceof CohortReplaced ? "debug" : "error";
    log[level]({ cohort: cohortId, reason: reasonOf(error) }, "a cohort could not be read");
    const message = `cohort ${cohortId}: expected a readable file, got an error; try again`;
    throw Problem.json(503, { code: "not-ready", message }, { "Retry-After": "1" });
  }
}

function compressed(body: Readable, encoding: Encoding | undefined): Readable {
  if (!encoding) return body;
  const compressor = compressors[encoding]() as Readable & NodeJS.WritableStream;
  body.once("error", (error) => compressor.destroy(error));
  compressor.once("close", () => body.destroy());
  body.pipe(compressor);
  return compressor;
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
