// One instance of a fleet, in a process of its own. It tells its parent what it answers and how it
// is, whenever that has changed; and stops when told to.
import { FleetSource } from "../src/service/fleet/fleet-source.ts";
import type { SourceState } from "../src/service/source.ts";

/** What a parent is told. */
export interface InstanceNews {
  state: SourceState;
  /** By user, the key of each flag's variant. */
  answers: Record<string, Record<string, string | undefined>>;
  lines: string[];
  isStarted: boolean;
}

const PROBE_MILLIS = 10;
const { userIds, ...config } = JSON.parse(process.argv[2]);
const lines: string[] = [];
const write = (line: string) => void lines.push(line);
const loggerProvider = { error: write, warn: write, info: write, debug: write, verbose: write };
const source = new FleetSource({ ...config, loggerProvider });
let isStarted = false;
let told = "";

function answersFor(user_id: string): [string, Record<string, string | undefined>] {
  const variants = Object.entries(source.engine.evaluate({ user: { user_id } }));
  return [user_id, Object.fromEntries(variants.map(([flag, { key }]) => [flag, key]))];
}

function tell(): void {
  const answers = Object.fromEntries(userIds.map(answersFor));
  const news: InstanceNews = { state: source.state, answers, lines, isStarted };
  const text = JSON.stringify(news);
  if (text === told || !process.connected) return;
  told = text;
  process.send!(news);
  lines.length = 0;
}

source.onChange(tell);
const probe = setInterval(tell, PROBE_MILLIS);
process.once("message", async () => {
  clearInterval(probe);
  await Promise.all([source.stop(), source.stop()]);
  // From here on nothing keeps the process.
  process.disconnect();
});
await source.start();
isStarted = true;
