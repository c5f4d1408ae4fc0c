import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import type { Peer } from "./peer.ts";

interface Client {
  initSync(options: object): Client;
  evalFeature(key: string, user: User): { on: boolean };
}
interface User {
  attributes: object;
}

/** One needle in a pattern that matches only itself. */
function pattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function conditionOf({ op, property, values }: LogicalCondition): object {
  if (op === "is" || op === "set contains any") return { [property]: { $in: values } };
  if (op === "is not") return { [property]: { $nin: values } };
  if (op === "contains") return { [property]: { $regexi: pattern(values[0]) } };
  if (op === "version greater") return { [property]: { $vgt: values[0] } };
  return { [property]: { $lt: Number(values[0]) } };
}

function ruleOf({ conditions, percent }: LogicalSegment, flag: LogicalFlag): object {
  const condition = conditions.length > 0 ? { $and: conditions.map(conditionOf) } : undefined;
  if (percent === 0 || percent === 100) return { condition, force: percent === 100 };
  return {
    condition,
    variations: [true, false],
    weights: [percent / 100, 1 - percent / 100],
    coverage: 1,
    hashAttribute: "user_id",
    hashVersion: 2,
    seed: flag.salt,
    key: flag.key,
  };
}

export const growthbook: Peer<User> = {
  name: "GrowthBook",
  package: "@growthbook/growthbook",
  note: "evalFeature; all flags by a loop over keys",
  async open(flags, load) {
    const { GrowthBookClient } = load<{ GrowthBookClient: new (options: object) => Client }>(
      "@growthbook/growthbook",
    );
    const features = Object.fromEntries(
      flags.map((flag) => {
        const rules = flag.segments.map((segment) => ruleOf(segment, flag));
        return [flag.key, { defaultValue: false, rules }];
      }),
    );
    const client = new GrowthBookClient({}).initSync({ payload: { features } });
    const keys = flags.map(({ key }) => key);
    return {
      user: (user: LogicalUser): User => ({ attributes: { ...user, id: user.user_id } }),
      isOn: (user: User, key) => client.evalFeature(key, user).on,
      all: (user: User) => keys.map((key) => client.evalFeature(key, user)),
      onKeys: (answer) => keys.filter((_, at) => (answer as { on: boolean }[])[at].on),
    };
  },
};
