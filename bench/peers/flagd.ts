import type { LogicalCondition, LogicalFlag, LogicalSegment, LogicalUser } from "../logical.ts";
import type { Peer } from "./peer.ts";

interface Resolved {
  flagKey: string;
  value: unknown;
}
interface Core {
  setConfigurations(text: string): void;
  resolveBooleanEvaluation(key: string, fallback: boolean, user: object): { value: boolean };
  resolveAll(user: object): Resolved[];
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function conditionOf({ op, property, values }: LogicalCondition): object {
  const value = { var: property };
  if (op === "is") return { in: [value, values] };
  if (op === "is not") return { "!": { in: [value, values] } };
  if (op === "contains") return { in: [values[0], value] };
  if (op === "version greater") return { sem_ver: [value, ">", values[0]] };
  if (op === "less") return { "<": [value, Number(values[0])] };
  return { some: [value, { in: [{ var: "" }, values] }] };
}

function resultOf({ percent }: LogicalSegment): unknown {
  if (percent === 0 || percent === 100) return percent === 100 ? "on" : "off";
  const hashed = { cat: [{ var: "$flagd.flagKey" }, { var: "user_id" }] };
  return { fractional: [hashed, ["on", percent], ["off", 100 - percent]] };
}

function targetingOf({ segments }: LogicalFlag): object {
  const branches = segments.flatMap((segment) => {
    const { conditions } = segment;
    const all = conditions.length > 0 ? { and: conditions.map(conditionOf) } : true;
    return [all, resultOf(segment)];
  });
  return { if: [...branches, "off"] };
}

export const flagd: Peer<object> = {
  name: "flagd",
  package: "@openfeature/flagd-core",
  note: "resolveBooleanEvaluation; resolveAll",
  async open(flags, load) {
    const { FlagdCore } = load<{ FlagdCore: new (storage: undefined, logger: object) => Core }>(
      "@openfeature/flagd-core",
    );
    const core = new FlagdCore(undefined, silent);
    const entries = flags.map((flag) => [
      flag.key,
      {
        state: "ENABLED",
        variants: { on: true, off: false },
        defaultVariant: "off",
        targeting: targetingOf(flag),
      },
    ]);
    core.setConfigurations(JSON.stringify({ flags: Object.fromEntries(entries) }));
    return {
      user: (user: LogicalUser) => ({ targetingKey: user.user_id, ...user }),
      isOn: (user: object, key) => core.resolveBooleanEvaluation(key, false, user).value,
      all: (user: object) => core.resolveAll(user),
      onKeys: (answer) =>
        (answer as Resolved[]).filter(({ value }) => value === true).map(({ flagKey }) => flagKey),
    };
  },
};
