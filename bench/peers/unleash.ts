import type { EventEmitter } from "node:events";
import { once } from "node:events";
import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import { cohortText, type Peer } from "./peer.ts";

interface Client extends EventEmitter {
  start(): Promise<void>;
  destroy(): void;
  getVariant(key: string, user: object): { name: string };
}
interface Module {
  Unleash: new (options: object) => Client;
  InMemStorageProvider: new () => object;
}

function constraintOf({ op, property, values }: LogicalCondition): object {
  const contextName = property === "user_id" ? "userId" : property;
  const common = { contextName, values, inverted: false, caseInsensitive: false };
  if (op === "is") return { ...common, operator: "IN" };
  if (op === "is not") return { ...common, operator: "NOT_IN" };
  if (op === "contains") return { ...common, operator: "STR_CONTAINS" };
  if (op === "version greater") return { ...common, operator: "SEMVER_GT", value: values[0] };
  if (op === "less") return { ...common, operator: "NUM_LT", value: values[0] };
  return { ...common, operator: "STR_CONTAINS", values: values.map((id) => cohortText([id])) };
}

/** Unleash goes on after a roll-out that fails, so on and off are variants of a full roll-out. */
function strategyOf({ conditions, percent }: LogicalSegment, { key }: LogicalFlag): object {
  const variant = (name: string, weight: number) => ({
    name,
    weight: weight * 10,
    stickiness: "userId",
    weightType: "fix",
  });
  return {
    name: "flexibleRollout",
    constraints: conditions.map(constraintOf),
    parameters: { groupId: key, rollout: "100", stickiness: "userId" },
    variants: [variant("on", percent), variant("off", 100 - percent)].filter((v) => v.weight > 0),
  };
}

function featureOf(flag: LogicalFlag): object {
  return {
    name: flag.key,
    type: "release",
    enabled: true,
    project: "default",
    stale: false,
    impressionData: false,
    dependencies: [],
    variants: [],
    strategies: flag.segments.map((segment) => strategyOf(segment, flag)),
  };
}

export const unleash: Peer<object> = {
  name: "Unleash",
  package: "unleash-client",
  note: "getVariant; all flags by a loop over keys; cohorts as text",
  async open(flags, load) {
    const { Unleash, InMemStorageProvider } = load<Module>("unleash-client");
    const client = new Unleash({
      appName: "bench",
      url: "http://127.0.0.1:1/api",
      refreshInterval: 0,
      disableMetrics: true,
      disableAutoStart: true,
      skipInstanceCountWarning: true,
      bootstrap: { data: flags.map(featureOf), segments: [] },
      storageProvider: new InMemStorageProvider(),
    });
    // It tries to fetch once, in vain; the bootstrap is what counts.
    client.on("error", () => {});
    client.on("warn", () => {});
    const ready = once(client, "ready");
    await client.start();
    await ready;
    const keys = flags.map(({ key }) => key);
    return {
      user({ user_id, cohort_ids, age, ...properties }: LogicalUser) {
        const cohorts = { age: String(age), cohort_ids: cohortText(cohort_ids) };
        return { userId: user_id, properties: { ...properties, ...cohorts } };
      },
      isOn: (user: object, key) => client.getVariant(key, user).name === "on",
      all: (user: object) => keys.map((key) => client.getVariant(key, user)),
      onKeys: (answer) => keys.filter((_, at) => (answer as { name: string }[])[at].name === "on"),
      close: () => client.destroy(),
    };
  },
};
