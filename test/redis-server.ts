// A Redis of loopback, as Debian packages it: a process that can be killed, held and begun again.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";

const BINARY = "redis-server";

export const hasRedis = spawnSync(BINARY, ["--version"]).status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "halyard-redis-"));
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, options: readonly string[]) {
    this.port = port;
    this.#options = options;
  }

  /** @param options - of the command line */
  static async start(...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.begin();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** With nothing in it. */
  async begin(): Promise<void> {
    const { port } = this;
    const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", this.#folder];
    const quiet = ["--save", "", "--appendonly", "no", ...this.#options];
    this.#process = spawn(BINARY, [...args, ...quiet], { stdio: "ignore" });
    await eventually("redis answers", () =>
      this.use(async (redis) => (await redis.ping().catch(String)) !== ""),
    );
  }

  /** For as long as a callback takes, a connection. */
  async use<Result>(work: (redis: Redis) => Promise<Result>): Promise<Result> {
    const password = this.#options[this.#options.indexOf("--requirepass") + 1];
    const redis = new Redis(this.port, "127.0.0.1", {
      lazyConnect: true,
      retryStrategy: null,
      password: this.#options.includes("--requirepass") ? password : undefined,
    });
    redis.on("error", () => {});
    try {
      await redis.connect();
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const SLOTS = 16_384;

/** Nodes that have an equal share of the slots. */
export async function startCluster(count: number): Promise<RedisServer[]> {
  const nodes: { server: RedisServer; busPort: number }[] = [];
  for (let node = 0; node < count; node++) {
    const busPort = await freePort();
    const options = ["--cluster-enabled", "yes", "--cluster-port", `${busPort}`];
    const server = await RedisServer.start(...options, "--cluster-announce-ip", "127.0.0.1");
    nodes.push({ server, busPort });
  }
  const limitOf = (node: number) => Math.floor((SLOTS * node) / count);
  for (const [node, { server }] of nodes.entries()) {
    await server.use(async (redis) => {
      await redis.call("CLUSTER", "ADDSLOTSRANGE", limitOf(node), limitOf(node + 1) - 1);
      for (const { server: other, busPort } of nodes) {
        if (other !== server) await redis.call("CLUSTER", "MEET", "127.0.0.1", other.port, busPort);
      }
    });
  }
  for (const { server } of nodes) {
    await eventually("the cluster is complete", () =>
      server.use(async (redis) =>
        String(await redis.call("CLUSTER", "INFO")).includes("cluster_state:ok"),
      ),
    );
  }
  return nodes.map(({ server }) => server);
}
