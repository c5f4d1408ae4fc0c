// What the protocol's published description says of an answer.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as formats from "ajv-formats";
import { expect } from "vitest";
import { parse } from "yaml";

type Json = Record<string, unknown>;

interface Description {
  paths: Record<string, { post: { responses: Record<string, { content?: Json }> } }>;
  components: { schemas: Record<string, { allOf?: Json[] }> };
}

const ID = "https://ofrep.test/openapi.yaml";
const PATHS = [
  { path: /^\/ofrep\/v1\/evaluate\/flags$/, described: "/ofrep/v1/evaluate/flags" },
  { path: /^\/ofrep\/v1\/evaluate\/flags\/.+$/, described: "/ofrep/v1/evaluate/flags/{key}" },
];

const file = fileURLToPath(new URL("openapi.yaml", import.meta.url));
const description: Description = parse(readFileSync(file, "utf8"));
const ajv = new Ajv2020({ strict: false, allErrors: true });
(formats.default as unknown as (to: Ajv2020) => void)(ajv);
ajv.addSchema({ $id: ID, components: corrected(description.components) });

/**
 * The stored description is version 0.1.0. Since 0.2.0 an answer may have no value (ADR 0006) and
 * always has a key and a reason. A value cannot be meant to be of exactly one type: a whole number
 * is an integer and a number.
 */
function corrected(components: Description["components"]): Description["components"] {
  const { schemas } = structuredClone(components);
  const [members, types] = schemas.evaluationSuccess.allOf!;
  const codeDefault = { not: { required: ["value"] } };
  schemas.evaluationSuccess.allOf = [
    { ...members, required: ["key", "reason"] },
    { anyOf: [...(types.oneOf as Json[]), codeDefault] },
  ];
  return { schemas };
}

/** Fails unless an answer has a status that is described, and the body described for it. */
export function expectDescribed(path: string, status: number, body: unknown): void {
  const { described } = PATHS.find((candidate) => candidate.path.test(path))!;
  const { responses } = description.paths[described].post;
  // Any other error of a server is described in general.
  const response = responses[status] ?? (status >= 402 ? responses[500] : undefined);
  expect(response, `${path} ${status}`).toBeDefined();
  if (!response.content) return;
  const { schema } = response.content["application/json"] as { schema: { $ref: string } };
  const validate = ajv.compile({ $ref: `${ID}${schema.$ref}` });
  expect(validate(body), `${path} ${status}: ${ajv.errorsText(validate.errors)}`).toBe(true);
}
