import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import { cohortText, type Peer } from "./peer.ts";

interface Asked {
  entityId: string;
  context: Record<string, string>;
}
interface Answer {
  variantKey: string;
  flagKey: string;
}
interface Client {
  evaluateVariant(request: Asked & { flagKey: string }): Answer;
  evaluateBatch(requests: (Asked & { flagKey: string })[]): {
    responses: { variantEvaluationResponse?: Answer }[];
  };
}
interface Module {
  FliptClient: { init(options: object): Promise<Client> };
}

/** There is no operator for versions: they are compared as numbers. */
function versionNumber(version: string): string {
  const [major, minor, patch] = version.split(".").map(Number);
  return String(major * 1e6 + minor * 1e3 + patch);
}

function constraintsOf({ op, property, values }: LogicalCondition): object[] {
  const of = (type: string, name: string, operator: string, value: string) => ({
    type: `${type}_CONSTRAINT_COMPARISON_TYPE`,
    property: name,
    operator,
    value,
  });
  const list = JSON.stringify(values);
  if (property === "user_id") return [of("ENTITY_ID", "entity", "isoneof", list)];
  if (op === "is") return [of("STRING", property, "isoneof", list)];
  if (op === "is not") return [of("STRING", property, "isnotoneof", list)];
  if (op === "contains") return [of("STRING", property, "contains", values[0])];
  if (op === "less") return [of("NUMBER", property, "lt", values[0])];
  if (op === "version greater") return [of("NUMBER", property, "gt", versionNumber(values[0]))];
  return values.map((id) => of("STRING", property, "contains", cohortText([id])));
}

function ruleOf({ conditions, percent }: LogicalSegment, key: string): object {
  const segments = conditions.map((condition, at) => ({
    key: `${key}-${at}`,
    matchType: "ANY_SEGMENT_MATCH_TYPE",
    constraints: constraintsOf(condition),
  }));
  const everyone = { key: `${key}-all`, matchType: "ALL_SEGMENT_MATCH_TYPE", constraints: [] };
  const distributions = [
    { variantKey: "on", rollout: percent },
    { variantKey: "off", rollout: 100 - percent },
  ];
  return {
    segments: segments.length > 0 ? segments : [everyone],
    segmentOperator: "AND_SEGMENT_OPERATOR",
    distributions: distributions.filter(({ rollout }) => rollout > 0),
  };
}

function stateOf(flags: readonly LogicalFlag[]): object {
  const made = flags.map(({ key, segments }) => ({
    key,
    name: key,
    type: "VARIANT_FLAG_TYPE",
    enabled: true,
    rollouts: [],
    rules: segments.map((segment, at) => ruleOf(segment, `${key}-${at}`)),
  }));
  return { namespace: { key: "default" }, flags: made };
}

export const flipt: Peer<Asked> = {
  name: "Flipt",
  package: "@flipt-io/flipt-client-js",
  note: "WebAssembly; evaluateVariant; evaluateBatch; cohorts as text, versions as numbers",
  async open(flags, load) {
    const { FliptClient } = load<Module>("@flipt-io/flipt-client-js");
    const json = async () => stateOf(flags);
    const fetcher = async () => ({ headers: new Map(), ok: true, json });
    const client = await FliptClient.init({ namespace: "default", updateInterval: 0, fetcher });
    const keys = flags.map(({ key }) => key);
    return {
      user({ user_id, age, version, cohort_ids, ...rest }: LogicalUser) {
        const texts = { age: String(age), cohort_ids: cohortText(cohort_ids) };
        const context = { ...rest, ...texts, version: versionNumber(version) };
        return { entityId: user_id, context };
      },
      isOn: (user, flagKey) => client.evaluateVariant({ ...user, flagKey }).variantKey === "on",
      all: (user) => client.evaluateBatch(keys.map((flagKey) => ({ ...user, flagKey }))),
      onKeys(answer) {
        const { responses } = answer as ReturnType<Client["evaluateBatch"]>;
        const answers = responses.flatMap((one) => one.variantEvaluationResponse ?? []);
        return answers.filter((one) => one.variantKey === "on").map((one) => one.flagKey);
      },
    };
  },
};
