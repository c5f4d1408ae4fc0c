// A process that writes a snapshot again and again until it is killed: each state has flags and a
// cohort of the same number. Says so when the first one is there.
import { Snapshot } from "../src/local/snapshot.ts";
import { Log } from "../src/sdk/log.ts";
import { flagOf } from "./cohort-fixture.ts";
import { versioned } from "./local-lanes.ts";

const [folder, firstNumber] = process.argv.slice(2);
const MEMBERS = 2_000;
const PADDING = "x".repeat(100_000);

async function* bytesOf(number: number): AsyncGenerator<Uint8Array> {
  const memberIds = Array.from({ length: MEMBERS }, (_, member) => `${number}-${member}`);
  yield Buffer.from(JSON.stringify({ groupType: "User", size: MEMBERS, memberIds }));
}

const snapshot = new Snapshot(folder, new Log({ logLevel: 2 }, []));
await snapshot.load();
for (let number = Number(firstNumber); ; number++) {
  const copy = snapshot.copyOf("c");
  for await (const _ of copy.through(bytesOf(number)));
  await copy.keep();
  const flag = versioned(`v${number}`, { metadata: { number, padding: PADDING } });
  await snapshot.keepFlags(JSON.stringify([flag, flagOf("cohort", ["c"])]));
  if (number === Number(firstNumber)) process.stdout.write("written\n");
}
