// What both of DevCycle's engines take: a feature with one Boolean variable for each flag.
import { createHash } from "node:crypto";
import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import { cohortText } from "./peer.ts";

export interface Config {
  features: { key: string }[];
  variables: { key: string }[];
}

const OWN = new Set(["user_id", "email", "country"]);

function idOf(text: string): string {
  return createHash("md5").update(text).digest("hex").slice(0, 24);
}

function filterOf({ op, property, values }: LogicalCondition): object {
  const custom = (dataKeyType: string, comparator: string, wanted: unknown[] = values) => ({
    type: "user",
    subType: "customData",
    dataKey: property,
    dataKeyType,
    comparator,
    values: wanted,
  });
  const comparators = { is: "=", "is not": "!=", contains: "contain" } as const;
  if (op === "version greater") {
    return { type: "user", subType: "appVersion", comparator: ">", values };
  }
  if (op === "less") return custom("Number", "<", values.map(Number));
  if (op === "set contains any") {
    return custom(
      "String",
      "contain",
      values.map((id) => cohortText([id])),
    );
  }
  const comparator = comparators[op];
  if (OWN.has(property)) return { type: "user", subType: property, comparator, values };
  return custom("String", comparator);
}

function targetOf({ conditions, percent }: LogicalSegment, name: string): object {
  const filters = conditions.length > 0 ? conditions.map(filterOf) : [{ type: "all" }];
  const distribution = [
    { _variation: idOf(`on ${name.slice(2)}`), percentage: percent / 100 },
    { _variation: idOf(`off ${name.slice(2)}`), percentage: 1 - percent / 100 },
  ];
  return {
    _id: idOf(`target ${name}`),
    _audience: { _id: idOf(`audience ${name}`), filters: { operator: "and", filters } },
    distribution: distribution.filter(({ percentage }) => percentage > 0),
  };
}

function featureOf({ key, segments }: LogicalFlag): { key: string } {
  const variation = (name: string, value: boolean) => ({
    _id: idOf(`${name} ${key}`),
    name,
    key: name,
    variables: [{ _var: idOf(`variable ${key}`), value }],
  });
  const targets = segments.map((segment, at) => targetOf(segment, `${at} ${key}`));
  const feature = {
    _id: idOf(`feature ${key}`),
    type: "release",
    key,
    settings: {},
    configuration: { _id: idOf(`configuration ${key}`), targets },
    variations: [variation("on", true), variation("off", false)],
  };
  return feature;
}

export function configOf(flags: readonly LogicalFlag[]): Config {
  const settings = {
    edgeDB: { enabled: false },
    optIn: { enabled: false },
    disablePassthroughRollouts: true,
  };
  const config = {
    project: { _id: idOf("project"), key: "bench", a0_organization: "org_bench", settings },
    environment: { _id: idOf("environment"), key: "production" },
    features: flags.map(featureOf),
    variables: flags.map(({ key }) => ({ _id: idOf(`variable ${key}`), type: "Boolean", key })),
    audiences: {},
    variableHashes: {},
  };
  return config;
}

/** Custom data cannot be lists, so cohorts are text. */
export function userOf(user: LogicalUser) {
  const { user_id, email, country, language, version, device_model, cohort_ids, ...rest } = user;
  return {
    user_id,
    email,
    country,
    language,
    appVersion: version,
    deviceModel: device_model,
    customData: { ...rest, language, device_model, cohort_ids: cohortText(cohort_ids) },
  };
}

export type DevCycleUser = ReturnType<typeof userOf>;

/** Keys of the variables that are true. */
export function trueKeys(answer: unknown): string[] {
  const { variables } = answer as { variables: Record<string, { key: string; value: unknown }> };
  return Object.values(variables).flatMap(({ key, value }) => (value === true ? key : []));
}
