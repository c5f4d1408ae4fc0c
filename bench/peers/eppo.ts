import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import { cohortText, type Peer } from "./peer.ts";

interface Store {
  setEntries(flags: object): Promise<unknown>;
  setEnvironment(environment: object): void;
  setConfigFetchedAt(time: string): void;
  setConfigPublishedAt(time: string): void;
  setFormat(format: string): void;
}
interface Client {
  setAssignmentLogger(logger: object): void;
  getBooleanAssignment(key: string, id: string, attributes: object, fallback: boolean): boolean;
  getAllAssignments(id: string, attributes: object): Record<string, { variationKey: string }>;
}
interface Module {
  MemoryOnlyConfigurationStore: new () => Store;
  EppoClient: new (options: object) => Client;
}
interface User {
  id: string;
  attributes: object;
}

const SHARDS = 10_000;
const TIME = "2024-04-17T19:40:53.716Z";

function pattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function conditionOf({ op, property, values }: LogicalCondition): object {
  const attribute = property === "user_id" ? "id" : property;
  if (op === "is") return { attribute, operator: "ONE_OF", value: values };
  if (op === "is not") return { attribute, operator: "NOT_ONE_OF", value: values };
  if (op === "contains") return { attribute, operator: "MATCHES", value: pattern(values[0]) };
  if (op === "version greater") return { attribute, operator: "GT", value: values[0] };
  if (op === "less") return { attribute, operator: "LT", value: Number(values[0]) };
  return { attribute, operator: "MATCHES", value: `,(?:${values.map(pattern).join("|")}),` };
}

function allocationOf(segment: LogicalSegment, at: number, salt: string): object {
  const { conditions, percent } = segment;
  const ranges = [{ start: 0, end: (percent / 100) * SHARDS }];
  const on = { variationKey: "on", shards: percent === 100 ? [] : [{ salt, ranges }] };
  const off = { variationKey: "off", shards: [] };
  const rules = conditions.length > 0 ? [{ conditions: conditions.map(conditionOf) }] : [];
  return {
    key: `allocation-${at}`,
    doLog: false,
    rules,
    splits: percent === 0 ? [off] : [on, off],
  };
}

function flagOf({ key, salt, segments }: LogicalFlag): object {
  return {
    key,
    enabled: true,
    variationType: "BOOLEAN",
    totalShards: SHARDS,
    variations: { on: { key: "on", value: true }, off: { key: "off", value: false } },
    allocations: segments.map((segment, at) => allocationOf(segment, at, salt)),
  };
}

export const eppo: Peer<User> = {
  name: "Eppo",
  package: "@eppo/js-client-sdk-common",
  note: "the client inside @eppo/node-server-sdk; getBooleanAssignment; getAllAssignments",
  async open(flags, load) {
    const { EppoClient, MemoryOnlyConfigurationStore } = load<Module>("@eppo/js-client-sdk-common");
    // Filled directly: the SDK itself fills its store by HTTP only.
    const store = new MemoryOnlyConfigurationStore();
    store.setEnvironment({ name: "bench" });
    store.setConfigFetchedAt(TIME);
    store.setConfigPublishedAt(TIME);
    store.setFormat("SERVER");
    await store.setEntries(Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)])));
    const client = new EppoClient({ flagConfigurationStore: store });
    client.setAssignmentLogger({ logAssignment() {} });
    return {
      user({ user_id, cohort_ids, ...rest }: LogicalUser) {
        return { id: user_id, attributes: { ...rest, cohort_ids: cohortText(cohort_ids) } };
      },
      isOn: ({ id, attributes }, key) => client.getBooleanAssignment(key, id, attributes, false),
      all: ({ id, attributes }) => client.getAllAssignments(id, attributes),
      onKeys(answer) {
        const entries = Object.entries(answer as ReturnType<Client["getAllAssignments"]>);
        return entries.filter(([, { variationKey }]) => variationKey === "on").map(([key]) => key);
      },
    };
  },
};
