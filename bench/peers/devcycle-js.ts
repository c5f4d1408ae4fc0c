import { type Config, configOf, type DevCycleUser, trueKeys, userOf } from "./devcycle-config.ts";
import type { Peer } from "./peer.ts";

interface Bucketed {
  variables: Record<string, { value: unknown } | undefined>;
}
interface Module {
  generateBucketedConfig(options: { config: Config; user: DevCycleUser }): Bucketed;
}

export const devcycleJs: Peer<DevCycleUser> = {
  name: "DevCycle JS",
  package: "@devcycle/bucketing",
  note: "generateBucketedConfig; for one flag on a config cut down to it",
  async open(flags, load) {
    const { generateBucketedConfig } = load<Module>("@devcycle/bucketing");
    const config = configOf(flags);
    const cut = new Map(
      config.features.map((feature, at): [string, Config] => [
        feature.key,
        { ...config, features: [feature], variables: [config.variables[at]] },
      ]),
    );
    return {
      user: userOf,
      isOn(user, key) {
        const answer = generateBucketedConfig({ config: cut.get(key)!, user });
        return answer.variables[key]?.value === true;
      },
      all: (user) => generateBucketedConfig({ config, user }),
      onKeys: trueKeys,
    };
  },
};
