import { configOf, type DevCycleUser, trueKeys, userOf } from "./devcycle-config.ts";
import type { Peer } from "./peer.ts";

interface Library {
  setPlatformData(text: string): void;
  setConfigDataUTF8(key: string, config: Uint8Array): void;
  initEventQueue(key: string, client: string, options: string): void;
  variableForUser_PB(params: Uint8Array): Uint8Array | null;
  generateBucketedConfigForUser(key: string, user: string): string;
}
interface Message {
  verify(value: object): string | null;
  encode(value: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): { boolValue: boolean };
}
interface Module {
  instantiate(debug: boolean): Promise<Library>;
  ProtobufTypes: { VariableForUserParams_PB: Message; SDKVariable_PB: Message };
}

const KEY = "dvc_server_bench";
const PLATFORM = { platform: "NodeJS", platformVersion: "20", sdkType: "server", sdkVersion: "1" };
const NUMBER = 1;
const STRING = 2;

function known(value: unknown): object {
  return { value, isNull: false };
}

function protobufUser({ user_id, customData, ...rest }: DevCycleUser): object {
  const data = Object.entries(customData).map(([key, value]) => {
    if (typeof value === "number") return [key, { type: NUMBER, doubleValue: value }];
    return [key, { type: STRING, stringValue: value }];
  });
  const fields = Object.entries(rest).map(([key, value]) => [key, known(value)]);
  return { user_id, ...Object.fromEntries(fields), customData: known(Object.fromEntries(data)) };
}

export const devcycleWasm: Peer<DevCycleUser> = {
  name: "DevCycle WASM",
  package: "@devcycle/bucketing-assembly-script",
  note: "AssemblyScript; called as their Node SDK calls it: protobuf for one flag, JSON for all",
  async open(flags, load) {
    const { instantiate, ProtobufTypes } = load<Module>("@devcycle/bucketing-assembly-script");
    const { VariableForUserParams_PB: Params, SDKVariable_PB: Variable } = ProtobufTypes;
    const library = await instantiate(false);
    library.setPlatformData(JSON.stringify({ ...PLATFORM, hostname: "bench" }));
    library.setConfigDataUTF8(KEY, Buffer.from(JSON.stringify(configOf(flags))));
    library.initEventQueue(KEY, "bench", "{}");
    return {
      user: userOf,
      isOn(user, variableKey) {
        const asked = { sdkKey: KEY, variableKey, variableType: 0, shouldTrackEvent: false };
        const params = { ...asked, user: protobufUser(user) };
        const fault = Params.verify(params);
        if (fault) throw new Error(fault);
        const answer = library.variableForUser_PB(Params.encode(params).finish());
        return answer !== null && Variable.decode(answer).boolValue;
      },
      all: (user) => JSON.parse(library.generateBucketedConfigForUser(KEY, JSON.stringify(user))),
      onKeys: trueKeys,
    };
  },
};
