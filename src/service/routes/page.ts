// The page for people at `/`: its files, and the JSON that it asks for.

import { readFileSync } from "node:fs";
import type { ExperimentUser, Explanation } from "../../engine/index.ts";
import type { Deployment } from "../deployment.ts";
import type { Access } from "../deployments.ts";
import { UNCACHED } from "../headers.ts";
import { etagOf, isMatch } from "../negotiation.ts";
import { overviewOf } from "../overview.ts";
import type { ServiceParts } from "../parts.ts";
import { serverKeyNeeded } from "../problem.ts";
import { userOfBody } from "../request-user.ts";
import type { Router } from "../router.ts";

/** Addresses below `/page/` are paths here, so that modules find each other. */
const ROOT = new URL("../../", import.meta.url);
const FOLDER = "service/page";
const STYLES = ["page", "columns", "results", "narrow"].map((name) => `${FOLDER}/${name}.css`);
const SCRIPTS = [
  ...["page", "element", "explanation-view", "flag-list", "fragment", "results"],
  ...["status-bar", "user-editor"],
].map((name) => `${FOLDER}/${name}.js`);
const SHARED_SCRIPTS = ["sdk/json-fault.js"];
const ATTEMPTS = 5;
const NOSNIFF = { "X-Content-Type-Options": "nosniff" };
/** Trusted types: no text can become HTML or a script, whatever the page's scripts do with it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

export function pageRoutes(router: Router, parts: ServiceParts): void {
  const { deployments, limits, counters } = parts;
  if (!parts.hasPage) return;
  serve(router, "/", `${FOLDER}/index.html`, "text/html");
  for (const path of STYLES) serve(router, `/page/${path}`, path, "text/css");
  for (const path of [...SCRIPTS, ...SHARED_SCRIPTS]) {
    serve(router, `/page/${path}`, path, "text/javascript");
  }

  const headers = { ...UNCACHED, ...NOSNIFF };
  router.get("/page/flags", (request) => {
    const { deployment } = allowed(deployments.find(request.headers));
    return Response.json(overviewOf(deployment, request.query.get("known")), { headers });
  });

  router.post("/page/evaluate", async (request) => {
    const { deployment } = allowed(deployments.findReady(request.headers));
    const user = await userOfBody(request.raw, limits);
    counters.get(deployment)?.explanation();
    return Response.json({ explanations: explained(deployment, user) }, { headers });
  });
}

/** Of one set of flags: in a shared memory others may go live from one flag to the next. */
function explained(deployment: Deployment, user: ExperimentUser): Explanation[] {
  let explanations: Explanation[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    explanations = deployment.source.engine.flagKeys.flatMap((flagKey) => {
      return deployment.explain(user, flagKey) ?? [];
    });
    if (new Set(explanations.map(({ digest }) => digest)).size <= 1) break;
  }
  return explanations;
}

/** Explanations say what flags look like, which client keys are not for. */
function allowed(access: Access): Access {
  if (access.kind === "server") return access;
  throw serverKeyNeeded();
}

/** Adds a file of the page. It is read when it is first asked for, and then kept. */
function serve(router: Router, path: string, file: string, type: string): void {
  let kept: { text: string; headers: Record<string, string> } | undefined;
  router.get(path, (request) => {
    kept ??= read(file, type);
    const { text, headers } = kept;
    const isKnown = isMatch(request.headers.get("if-none-match"), headers.ETag);
    return new Response(isKnown ? null : text, { status: isKnown ? 304 : 200, headers });
  });
}

function read(file: string, type: string) {
  // Maps of sources are not served.
  const text = readFileSync(new URL(file, ROOT), "utf8").replace(/^\/\/# sourceMapping.*$/m, "");
  const headers = {
    "Content-Type": `${type}; charset=utf-8`,
    "Cache-Control": "no-cache",
    ETag: etagOf(text),
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    ...NOSNIFF,
  };
  return { text, headers };
}
