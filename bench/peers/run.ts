// npm run bench -- --peers: other vendors' engines on the same logical flags and users.
import { setImmediate } from "node:timers/promises";
import { factor, time } from "../figure.ts";
import type { Section } from "../findings.ts";
import { deterministicTwin, type Fixture, type Workload } from "../fixture.ts";
import { Oracle } from "../lanes.ts";
import { versionOf } from "../machine.ts";
import {
  type Budget,
  type Contender,
  type Measured,
  measure,
  ratioOf,
  spreadOf,
} from "../measure.ts";
import type { Row } from "../workloads.ts";
import { devcycleJs } from "./devcycle-js.ts";
import { devcycleWasm } from "./devcycle-wasm.ts";
import { eppo } from "./eppo.ts";
import { featurevisor } from "./featurevisor.ts";
import { flagd } from "./flagd.ts";
import { flipt } from "./flipt.ts";
import { growthbook } from "./growthbook.ts";
import { folder, installPeers, load } from "./install.ts";
import { launchdarkly } from "./launchdarkly.ts";
import type { Peer, PeerEngine } from "./peer.ts";
import { statsig } from "./statsig.ts";
import { unleash } from "./unleash.ts";

/** Users differ in type by peer; each engine gets only users that it made itself. */
type AnyPeer = Omit<Peer, "open"> & { open: Peer<unknown>["open"] };

/** A row's own contenders and the peers. */
export interface PeerRow {
  row: Row;
  measured: Measured[];
}

export interface PeerFindings {
  rows: PeerRow[];
  sections: Section[];
}

const PEERS = [
  growthbook,
  flagd,
  unleash,
  launchdarkly,
  statsig,
  flipt,
  devcycleJs,
  devcycleWasm,
  featurevisor,
  eppo,
] as AnyPeer[];
const USERS_COMPARED = 32;

/** The row's workload in the fixture, and whether all flags are asked for. */
const WORKLOAD_OF: Record<string, [keyof Fixture, boolean]> = {
  W1: ["one", false],
  W1b: ["many", false],
  W2: ["twenty", true],
  W3: ["many", true],
  "W4 hit": ["hit", false],
  "W4 miss": ["miss", false],
};

/** Throws where the peer answers otherwise than the oracle, though nothing is left to chance. */
async function compare(engine: PeerEngine<unknown>, twin: Workload): Promise<void> {
  const oracle = new Oracle(twin.flags);
  const { logical, contexts } = twin.users;
  for (let at = 0; at < USERS_COMPARED; at++) {
    const answers = oracle.evaluate(contexts[at]);
    const user = engine.user(logical[at]);
    const all = new Set(engine.onKeys(await engine.all(user)));
    for (const { key } of twin.flags) {
      const expected = answers[key]?.key === "on";
      const single = await engine.isOn(user, key);
      if (all.has(key) === expected && single === expected) continue;
      throw new Error(`differs from the oracle: ${twin.name}, user ${at}, ${key}`);
    }
    await setImmediate();
  }
}

/** What is wrong with a peer, or nothing. */
async function faultOf(peer: AnyPeer, twins: readonly Workload[]): Promise<string | undefined> {
  try {
    for (const twin of twins) {
      const engine = await peer.open(twin.logical, load);
      try {
        await compare(engine, twin);
      } finally {
        await engine.close?.();
      }
    }
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
  return undefined;
}

function contenderOf(
  { name, async }: AnyPeer,
  engine: PeerEngine<unknown>,
  { users, flags }: Workload,
  all: boolean,
): Contender {
  const made = users.logical.map((user) => engine.user(user));
  const keys = flags.map(({ key }) => key);
  const answer = (index: number) => {
    const user = made[index % made.length];
    return all ? engine.all(user) : engine.isOn(user, keys[index % keys.length]);
  };
  if (async) return { name, async, call: async (index) => Number(Boolean(await answer(index))) };
  return { name, call: (index) => Number(Boolean(answer(index))) };
}

async function measureRow(
  row: Row,
  fixture: Fixture,
  peers: readonly AnyPeer[],
  budget: Budget,
): Promise<Measured[]> {
  const [key, all] = WORKLOAD_OF[row.id];
  const workload = fixture[key];
  const engines = new Map<AnyPeer, PeerEngine<unknown>>();
  for (const peer of peers) engines.set(peer, await peer.open(workload.logical, load));
  const own = row.contenders.filter(({ name }) => /^(oracle|client|Halyard) /.test(name));
  const others = peers.map((peer) => contenderOf(peer, engines.get(peer)!, workload, all));
  const measured = await measure([...own, ...others], budget);
  for (const engine of engines.values()) await engine.close?.();
  return measured;
}

function sectionOf({ row: { id, title }, measured }: PeerRow): Section {
  const halyard = measured.find(({ name }) => name.startsWith("Halyard "))!;
  return {
    title: `Peers, ${id}: ${title}`,
    table: {
      header: ["Engine", "Median", "Oracle's time by it", "Its time by Halyard's"],
      figuresFrom: 1,
      lines: measured.map((entry) => [
        entry.name,
        time(spreadOf(entry.medians).median),
        factor(ratioOf(measured[0], entry).median),
        factor(ratioOf(entry, halyard).median),
      ]),
    },
  };
}

export async function runPeers(
  fixture: Fixture,
  rows: readonly Row[],
  budget: Budget,
  progress: (text: string) => void,
): Promise<PeerFindings> {
  progress("peers: installing");
  const failed = installPeers();
  if (failed) progress(`peers: npm ci failed: ${failed}`);
  const { one, twenty, many, hit, miss } = fixture;
  const twins = [one, twenty, many, hit, miss].map(deterministicTwin);
  const agreeing: AnyPeer[] = [];
  const lines: string[][] = [];
  for (const peer of PEERS) {
    progress(`peers: comparing ${peer.name}`);
    const fault = await faultOf(peer, twins);
    if (!fault) agreeing.push(peer);
    const version = `${peer.package} ${versionOf(peer.package, folder)}`;
    lines.push([peer.name, version, peer.note, fault ?? "agrees"]);
  }
  const header = ["Peer", "Package", "Asked by", "Deterministic twin"];
  const text =
    "Peers hash in their own ways, so a twin of each workload with percentages of 0 and 100 only " +
    "is compared with the oracle first; a peer that differs is not measured.";
  const table = { header, figuresFrom: 4, lines };
  const measured: PeerRow[] = [];
  for (const row of rows.filter(({ id }) => id in WORKLOAD_OF)) {
    progress(`peers: ${row.id}`);
    measured.push({ row, measured: await measureRow(row, fixture, agreeing, budget) });
  }
  return {
    rows: measured,
    sections: [{ title: "Peers", text, table }, ...measured.map(sectionOf)],
  };
}
