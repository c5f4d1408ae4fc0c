// OpenFeature's remote evaluation protocol (OFREP), as its SDKs ask for it: docs/ofrep.md.

import type { ExperimentUser } from "../../engine/index.ts";
import { reasonOf } from "../../sdk/log.ts";
import { corsOf } from "../cors.ts";
import type { Deployment } from "../deployment.ts";
import type { Access } from "../deployments.ts";
import { JSON_TYPE, UNCACHED } from "../headers.ts";
import { etagOf, isMatch } from "../negotiation.ts";
import { OfrepAnswers } from "../ofrep/answers.ts";
import { userOfRequest } from "../ofrep/context.ts";
import { OfrepFailure } from "../ofrep/failure.ts";
import type { ServiceParts } from "../parts.ts";
import { Problem } from "../problem.ts";
import type { Handler, RoutedRequest, Router } from "../router.ts";
import { trackOptionsOf } from "../track-options.ts";

const PATH = "/ofrep/v1/evaluate/flags";
/** While other flags go live in a shared memory. */
const ATTEMPTS = 3;

export function ofrepRoutes(router: Router, parts: ServiceParts): void {
  const { deployments, limits, counters } = parts;
  const answers = new Map(
    Array.from(deployments, (deployment) => [deployment, new OfrepAnswers(deployment)]),
  );

  const evaluate = async (request: RoutedRequest, flagKeys?: string[]) => {
    const access = deployments.findReady(request.headers);
    const { deployment } = access;
    const user = await userOfRequest(request.raw, limits);
    counters.get(deployment)?.ofrep();
    const variants = await variantsOf(deployment, user, flagKeys);
    deployment.track(user, () => variants, trackOptionsOf(request.headers));
    return { access, deployment, user, variants, known: answers.get(deployment)! };
  };

  const all = async (request: RoutedRequest) => {
    const { access, user, variants, known } = await evaluate(request);
    const flags = Object.entries(variants).map(
      ([flagKey, variant]) => known.answer(user, flagKey, variant).text,
    );
    return bulk(request, access, `{"flags":[${flags.join()}]}`);
  };

  const one = async (request: RoutedRequest) => {
    const key = request.param("key");
    const { access, deployment, user, variants, known } = await evaluate(request, [key]);
    const headers = { ...JSON_TYPE, ...UNCACHED, ...corsOf(access) };
    if (Object.hasOwn(variants, key)) {
      const { text, isFailure } = known.answer(user, key, variants[key]);
      return new Response(text, { status: isFailure ? 400 : 200, headers });
    }
    if (!deployment.explain(user, key)) {
      throw new OfrepFailure(404, "FLAG_NOT_FOUND", "key: expected one of a flag, got another");
    }
    return new Response(JSON.stringify({ key, reason: "DEFAULT" }), { headers });
  };

  router.post(PATH, caught(all, parts));
  // The JavaScript SDK does not encode keys: theirs may have slashes.
  router.post(`${PATH}/:key{.+}`, caught(one, parts));
}

/** Values are by the rules of the flags that gave the variants, and of no others. */
async function variantsOf(deployment: Deployment, user: ExperimentUser, flagKeys?: string[]) {
  let variants = deployment.evaluate(user, flagKeys);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const late = deployment.source.catchUp?.();
    if (!late) break;
    await late;
    variants = deployment.evaluate(user, flagKeys);
  }
  return variants;
}

function bulk({ headers }: RoutedRequest, access: Access, text: string): Response {
  const common = {
    ETag: etagOf(text),
    "Cache-Control": "private, no-cache",
    Vary: "Authorization, X-API-Key",
    ...corsOf(access),
  };
  if (isMatch(headers.get("if-none-match"), common.ETag)) {
    return new Response(null, { status: 304, headers: common });
  }
  return new Response(text, { headers: { ...common, ...JSON_TYPE } });
}

/** Errors are answered as the protocol says. */
function caught(handler: Handler, { log }: ServiceParts): Handler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      const failure = OfrepFailure.from(error);
      if (failure) return failure.response(request.param("key") || undefined);
      if (error instanceof Problem) throw error;
      log.error({ reason: reasonOf(error) }, "a request could not be answered");
      const details = "the service could not answer; its log says why";
      return new OfrepFailure(500, "GENERAL", details).response(request.param("key") || undefined);
    }
  };
}
