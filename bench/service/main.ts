// npm run bench:service: the service beside Amplitude's client in the same framework, over HTTP.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { factor } from "../figure.ts";
import { makeFixture } from "../fixture.ts";
import { machine, versionOf } from "../machine.ts";
import { type Load, latenciesOf, throughputOf, tool } from "./load.ts";
import type { Contender } from "./server.ts";

const CONTENDERS: readonly Contender[] = ["client", "halyard", "halyard, 2 workers"];
const SERVER = fileURLToPath(new URL("./server.js", import.meta.url));
/** Of what the client can take: there both answer everything. */
const RATE_SHARE = 0.6;
const USERS = 512;
const P99 = 0.99;

interface Options {
  quick?: boolean;
  check?: boolean;
}

/** A figure with what it must be at least. */
interface Verdict {
  what: string;
  ratios: readonly number[];
  least: number;
}

/** A server's process, and what load on it is. */
interface Server extends Load {
  child: ChildProcess;
}

const servers = new Set<ChildProcess>();
process.once("exit", () => {
  for (const server of servers) server.kill("SIGKILL");
});

async function start(contender: Contender, load: Omit<Load, "url">): Promise<Server> {
  const child = fork(SERVER, [contender], { stdio: ["ignore", 2, 2, "ipc"] });
  servers.add(child);
  const [url] = await once(child, "message");
  return { child, url: url as string, ...load };
}

/** What a server has computed so far, in microseconds of all its threads. */
async function microsOf({ child }: Server): Promise<number> {
  child.send("cpu");
  const [micros] = await once(child, "message");
  return micros as number;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1];
}

function headersOfUsers(): string[] {
  const { contexts } = makeFixture().many.users;
  return contexts
    .slice(0, USERS)
    .map(({ user }) => Buffer.from(JSON.stringify(user)).toString("base64url"));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

type Figures = Record<Contender, number[]>;
type Servers = Readonly<Record<Contender, Server>>;

const none = (): Figures => ({ client: [], halyard: [], "halyard, 2 workers": [] });

/** One after the other, in rounds: what disturbs the machine disturbs all. */
async function measureThroughput(measured: Servers, rounds: number) {
  const [figures, costs] = [none(), none()];
  for (let round = 0; round < rounds; round++) {
    for (const contender of CONTENDERS) {
      const server = measured[contender];
      const before = await microsOf(server);
      const perSecond = await throughputOf(server);
      figures[contender].push(perSecond);
      costs[contender].push(((await microsOf(server)) - before) / (perSecond * server.seconds));
    }
  }
  return { figures, costs };
}

async function measureTails(measured: Servers, rounds: number, perSecond: number) {
  const figures = none();
  for (let round = 0; round < rounds; round++) {
    for (const contender of ["client", "halyard"] as const) {
      const latencies = await latenciesOf(measured[contender], perSecond);
      figures[contender].push(latencies[Math.floor(latencies.length * P99)]);
    }
  }
  return figures;
}

function ratiosOf(figures: Figures, above: Contender, below: Contender): number[] {
  return figures[above].map((figure, round) => figure / figures[below][round]);
}

async function main({ quick, check }: Options): Promise<void> {
  const [rounds, seconds] = quick ? [1, 1] : [5, 6];
  const users = headersOfUsers();
  const load = { users, seconds };
  const [client, halyard, crew] = await Promise.all(CONTENDERS.map((one) => start(one, load)));
  const measured: Servers = { client, halyard, "halyard, 2 workers": crew };
  // The first answers are compiled while they are given.
  await measureThroughput(measured, 1);
  const { figures: throughput, costs } = await measureThroughput(measured, rounds);
  for (const contender of CONTENDERS) {
    const perSecond = Math.round(median(throughput[contender]));
    const micros = Math.round(median(costs[contender]));
    print(`${contender}: ${perSecond} answers a second, ${micros} µs of the processor for each`);
  }
  const perSecond = RATE_SHARE * median(throughput.client);
  const tails = await measureTails(measured, rounds, perSecond);
  print(`at ${Math.round(perSecond)} a second, p99:`);
  for (const contender of ["client", "halyard"] as const) {
    print(`${contender}: ${median(tails[contender]).toFixed(2)} ms`);
  }
  const verdicts: Verdict[] = [
    { what: "answers a second", ratios: ratiosOf(throughput, "halyard", "client"), least: 8 },
    { what: "p99 at the same rate", ratios: ratiosOf(tails, "client", "halyard"), least: 5 },
    {
      what: "2 workers beside one",
      ratios: ratiosOf(throughput, "halyard, 2 workers", "halyard"),
      least: 1.7,
    },
  ];
  for (const { what, ratios, least } of verdicts) {
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map(factor);
    const figure = median(ratios);
    const verdict = figure >= least ? "as it must be" : "MISSED";
    print(`${what}: ${factor(figure)} (${low} to ${high}), must be ${factor(least)}: ${verdict}`);
    if (check && figure < least) process.exitCode = 1;
  }
  const packages = ["hono", "@hono/node-server", "@amplitude/experiment-node-server"];
  print(packages.map((name) => `${name} ${versionOf(name)}`).join(", "));
  print(`${machine()}, load by ${tool}`);
}

const options = new Command("npm run bench:service --")
  .description("Measures the service against Amplitude's client in the same framework, over HTTP.")
  .option("--quick", "a short run whose figures mean little")
  .option("--check", "exit with 1 if a figure is not what it must be")
  .parse()
  .opts<Options>();
await main(options);
process.exit();
