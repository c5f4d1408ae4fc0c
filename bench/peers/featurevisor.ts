import type { LogicalCondition, LogicalFlag, LogicalUser } from "../logical.ts";
import type { Peer } from "./peer.ts";

interface Client {
  isEnabled(key: string, user: object): boolean;
  getAllEvaluations(user: object): Record<string, { enabled: boolean }>;
}
interface Module {
  createInstance(options: object): Client;
}

function conditionOf({ op, property: attribute, values }: LogicalCondition): object {
  if (op === "is") return { attribute, operator: "in", value: values };
  if (op === "is not") return { attribute, operator: "notIn", value: values };
  if (op === "contains") return { attribute, operator: "contains", value: values[0] };
  if (op === "version greater") {
    return { attribute, operator: "semverGreaterThan", value: values[0] };
  }
  if (op === "less") return { attribute, operator: "lessThan", value: Number(values[0]) };
  return { or: values.map((value) => ({ attribute, operator: "includes", value })) };
}

function datafileOf(flags: readonly LogicalFlag[]): object {
  const segments: Record<string, object> = {};
  const features: Record<string, object> = {};
  for (const flag of flags) {
    const traffic = flag.segments.map(({ conditions, percent }, at) => {
      const name = conditions.length > 0 ? `${flag.key}-${at}` : "*";
      if (conditions.length > 0) segments[name] = { conditions: conditions.map(conditionOf) };
      return { key: String(at), segments: name, percentage: percent * 1000 };
    });
    features[flag.key] = { bucketBy: "user_id", traffic };
  }
  return { schemaVersion: "2", revision: "1", segments, features };
}

export const featurevisor: Peer<object> = {
  name: "Featurevisor",
  package: "@featurevisor/sdk",
  note: "isEnabled; getAllEvaluations",
  async open(flags, load) {
    const { createInstance } = load<Module>("@featurevisor/sdk");
    const client = createInstance({ datafile: datafileOf(flags), logLevel: "fatal" });
    return {
      user: (user: LogicalUser) => ({ ...user }),
      isOn: (user, key) => client.isEnabled(key, user),
      all: (user) => client.getAllEvaluations(user),
      onKeys(answer) {
        const entries = Object.entries(answer as Record<string, { enabled: boolean }>);
        return entries.filter(([, { enabled }]) => enabled).map(([key]) => key);
      },
    };
  },
};
