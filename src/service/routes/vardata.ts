// Remote evaluation: variants of a user, as Amplitude's Evaluation API and its SDKs ask for them.

import type { EvaluationVariant, ExperimentUser } from "../../engine/index.ts";
import { corsOf } from "../cors.ts";
import type { Access } from "../deployments.ts";
import { JSON_TYPE, UNCACHED } from "../headers.ts";
import type { ServiceParts } from "../parts.ts";
import { filterOf, flagKeysOf } from "../request-flags.ts";
import { userOfBody, userOfQuery } from "../request-user.ts";
import type { RoutedRequest, Router } from "../router.ts";
import { trackOptionsOf } from "../track-options.ts";

type Variants = Record<string, EvaluationVariant>;
type UserOf = (request: RoutedRequest) => ExperimentUser | Promise<ExperimentUser>;

/** Where current SDKs ask, and where older ones and the REST API do. */
const PATH = "/sdk/v2/vardata";
const LEGACY_PATHS = ["/v1/vardata", "/sdk/vardata"];

export function vardataRoutes(router: Router, { deployments, limits, counters }: ServiceParts) {
  const ofQuery: UserOf = ({ raw, query }) => userOfQuery(raw, query, limits);
  const ofBody: UserOf = ({ raw }) => userOfBody(raw, limits);

  const evaluate = async (request: RoutedRequest, userOf: UserOf, isLegacy: boolean) => {
    const access = deployments.findReady(request.headers);
    const { deployment } = access;
    const flagKeys = flagKeysOf(request.headers, request.query, limits);
    const filter = filterOf(request.query);
    const user = await userOf(request);
    const options = trackOptionsOf(request.headers);
    counters.get(deployment)?.variants();
    if (!flagKeys && !filter && !isLegacy) {
      const all = deployment.evaluateAll(user);
      deployment.track(user, () => all.toObject(), options);
      return answer(all.toJsonBytes(), access);
    }
    const variants = deployment.evaluate(user, flagKeys);
    deployment.track(user, () => variants, options);
    const chosen = filter ? chosenOf(variants, ({ metadata }) => filter(metadata)) : variants;
    return answer(JSON.stringify(isLegacy ? legacyOf(chosen) : chosen), access);
  };

  const routes = [[PATH, false], ...LEGACY_PATHS.map((path) => [path, true])] as const;
  for (const [path, isLegacy] of routes as readonly (readonly [string, boolean])[]) {
    router.get(path, (request) => evaluate(request, ofQuery, isLegacy));
    router.post(path, (request) => evaluate(request, ofBody, isLegacy));
  }
}

function answer(body: BodyInit, access: Access): Response {
  return new Response(body, { headers: { ...JSON_TYPE, ...UNCACHED, ...corsOf(access) } });
}

function chosenOf(variants: Variants, isChosen: (variant: EvaluationVariant) => boolean): Variants {
  return Object.fromEntries(Object.entries(variants).filter(([, variant]) => isChosen(variant)));
}

/**
 * As the v1 API says it, without default variants and flags that are not deployed; members that
 * the documents of the API have, and those that the evaluation proxy sends.
 */
function legacyOf(variants: Variants): Record<string, unknown> {
  const given = chosenOf(variants, ({ metadata }) => {
    return !metadata?.default && metadata?.deployed !== false;
  });
  const entries = Object.entries(given).map(([flagKey, { key, value, payload, metadata }]) => {
    const { experimentKey: expKey, evaluationId } = metadata ?? {};
    return [flagKey, { key, value, payload, expKey, evaluationId, metadata }];
  });
  return Object.fromEntries(entries);
}
