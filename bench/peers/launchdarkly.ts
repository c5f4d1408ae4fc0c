import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import type { Peer } from "./peer.ts";

interface Client {
  waitForInitialization(options: object): Promise<unknown>;
  boolVariation(key: string, user: object, fallback: boolean): Promise<boolean>;
  allFlagsState(user: object): Promise<{ allValues(): Record<string, unknown> }>;
  close(): void;
}
interface Integrations {
  FileDataSourceFactory: new (options: object) => { getFactory(): unknown };
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const OPERATORS = {
  is: "in",
  "is not": "in",
  contains: "contains",
  "version greater": "semVerGreaterThan",
  less: "lessThan",
  "set contains any": "in",
};

function clauseOf({ op, property, values }: LogicalCondition): object {
  const attribute = property === "user_id" ? "key" : property;
  const wanted = op === "less" ? values.map(Number) : values;
  const negate = op === "is not";
  return { contextKind: "user", attribute, op: OPERATORS[op], values: wanted, negate };
}

function resultOf({ percent }: LogicalSegment): object {
  if (percent === 0 || percent === 100) return { variation: percent === 100 ? 0 : 1 };
  const variations = [
    { variation: 0, weight: percent * 1000 },
    { variation: 1, weight: 100_000 - percent * 1000 },
  ];
  return { rollout: { kind: "rollout", contextKind: "user", bucketBy: "key", variations } };
}

function flagOf({ key, version, salt, segments }: LogicalFlag): object {
  const rest = segments.find(({ conditions }) => conditions.length === 0);
  const rules = segments
    .filter((segment) => segment !== rest)
    .map((segment, at) => {
      const clauses = segment.conditions.map(clauseOf);
      return { id: `${key}-${at}`, clauses, trackEvents: false, ...resultOf(segment) };
    });
  return {
    key,
    version,
    salt,
    on: true,
    prerequisites: [],
    targets: [],
    contextTargets: [],
    rules,
    fallthrough: rest ? resultOf(rest) : { variation: 1 },
    offVariation: 1,
    variations: [true, false],
  };
}

export const launchdarkly: Peer<object> = {
  name: "LaunchDarkly",
  package: "@launchdarkly/node-server-sdk",
  note: "boolVariation and allFlagsState, both by promises; flags from a file, events off",
  async: true,
  async open(flags, load) {
    const { init } = load<{ init(key: string, options: object): Client }>(
      "@launchdarkly/node-server-sdk",
    );
    const { FileDataSourceFactory } = load<Integrations>(
      "@launchdarkly/node-server-sdk/integrations",
    );
    const folder = mkdtempSync(join(tmpdir(), "halyard-bench-"));
    const path = join(folder, "flags.json");
    const byKey = Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)]));
    writeFileSync(path, JSON.stringify({ flags: byKey }));
    const updateProcessor = new FileDataSourceFactory({ paths: [path] }).getFactory();
    const options = { sendEvents: false, diagnosticOptOut: true, logger: silent, updateProcessor };
    const client = init("bench", options);
    await client.waitForInitialization({ timeout: 10 });
    rmSync(folder, { recursive: true });
    return {
      user: ({ user_id, ...rest }: LogicalUser) => ({ kind: "user", key: user_id, ...rest }),
      isOn: (user: object, key) => client.boolVariation(key, user, false),
      all: (user: object) => client.allFlagsState(user),
      onKeys(answer) {
        const values = (answer as { allValues(): Record<string, unknown> }).allValues();
        return Object.keys(values).filter((key) => values[key] === true);
      },
      close: () => client.close(),
    };
  },
};
