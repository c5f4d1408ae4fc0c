import type { LogicalCondition, LogicalFlag, LogicalUser } from "../logical.ts";
import type { Peer } from "./peer.ts";

interface Client {
  initialize(): Promise<{ isSuccess: boolean; error?: string }>;
  checkGate(user: object, key: string, options: object): boolean;
  shutdown(): Promise<unknown>;
}
interface Module {
  Statsig: new (key: string, options: object) => Client;
  StatsigUser: new (user: object) => object;
}

const QUIET = { disableExposureLogging: true };
/** Of the specs; any. */
const TIME = 1_723_061_643_057;
const OPERATORS = {
  is: "any_case_sensitive",
  "is not": "none_case_sensitive",
  contains: "str_contains_any",
  "version greater": "version_gt",
  less: "lt",
  "set contains any": "array_contains_any",
};
const FIELDS: Record<string, string> = { user_id: "userID", version: "appVersion" };

function conditionOf({ op, property, values }: LogicalCondition): object {
  const single = op === "version greater" || op === "less";
  return {
    type: property === "user_id" ? "unit_id" : "user_field",
    field: FIELDS[property] ?? property,
    operator: OPERATORS[op],
    targetValue: single ? (op === "less" ? Number(values[0]) : values[0]) : values,
    additionalValues: {},
    idType: "userID",
  };
}

/** Conditions stand in one map of all gates and are named by the rules. */
function specsOf(flags: readonly LogicalFlag[]): object {
  const conditions = new Map<string, { id: string; condition: object }>();
  const nameOf = (condition: object): string => {
    const text = JSON.stringify(condition);
    const id = conditions.get(text)?.id ?? String(1_000_000 + conditions.size);
    conditions.set(text, { id, condition });
    return id;
  };
  const everyone = { type: "public", additionalValues: {}, idType: "userID" };
  const gates = flags.map(({ key, salt, segments }) => {
    const rules = segments.map(({ name, conditions, percent }, at) => ({
      name: `${key}:${at}`,
      groupName: name,
      passPercentage: percent,
      conditions: (conditions.length > 0 ? conditions.map(conditionOf) : [everyone]).map(nameOf),
      returnValue: true,
      id: `${key}:${at}`,
      salt: `${salt}${at}`,
      idType: "userID",
    }));
    const common = { type: "feature_gate", entity: "feature_gate", idType: "userID", version: 1 };
    return [key, { ...common, salt, enabled: true, defaultValue: false, rules }];
  });
  const byId = [...conditions.values()].map(({ id, condition }) => [id, condition]);
  return {
    feature_gates: Object.fromEntries(gates),
    condition_map: Object.fromEntries(byId),
    dynamic_configs: {},
    layer_configs: {},
    layers: {},
    experiment_to_layer: {},
    id_lists: {},
    sdk_flags: {},
    sdk_configs: {},
    param_stores: {},
    has_updates: true,
    company_id: "bench",
    time: TIME,
  };
}

function optionsOf(flags: readonly LogicalFlag[]): object {
  const result = JSON.stringify(specsOf(flags));
  return {
    disableNetwork: true,
    disableAllLogging: true,
    disableCountryLookup: true,
    enableIdLists: false,
    outputLogLevel: "none",
    specAdaptersConfig: [{ adapterType: "data_store", initTimeoutMs: 30_000 }],
    dataStore: {
      async initialize() {},
      async shutdown() {},
      async set() {},
      get: async () => ({ result, time: TIME }),
      supportPollingUpdatesFor: async () => false,
    },
  };
}

export const statsig: Peer<object> = {
  name: "Statsig",
  package: "@statsig/statsig-node-core",
  note: "native; checkGate, its user made in each call; all flags by a loop over keys",
  async open(flags, load) {
    const { Statsig, StatsigUser } = load<Module>("@statsig/statsig-node-core");
    const client = new Statsig("secret-bench", optionsOf(flags));
    const { isSuccess, error } = await client.initialize();
    if (!isSuccess) throw new Error(`not initialised: ${error}`);
    const keys = flags.map(({ key }) => key);
    return {
      user({ user_id, email, country, version, ...custom }: LogicalUser) {
        return { userID: user_id, email, country, appVersion: version, custom };
      },
      isOn: (user: object, key) => client.checkGate(new StatsigUser(user), key, QUIET),
      all(user: object) {
        const made = new StatsigUser(user);
        return keys.map((key) => client.checkGate(made, key, QUIET));
      },
      onKeys: (answer) => keys.filter((_, at) => (answer as boolean[])[at]),
      close: async () => void (await client.shutdown()),
    };
  },
};
