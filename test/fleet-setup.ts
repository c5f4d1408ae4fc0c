// A fleet: an upstream with an address of its own for each instance, a Redis, processes. What the
// instances answer is compared with the reference engine, whatever they tell and whenever.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { FleetConfig } from "../src/service/fleet/config.ts";
import { FleetKeys } from "../src/service/fleet/keys.ts";
import type { FleetState, SourceState } from "../src/service/source.ts";
import type { UpstreamConfig } from "../src/service/upstream-config.ts";
import { flagOf } from "./cohort-fixture.ts";
import { eventually } from "./eventually.ts";
import { type FlagLane, FlagServer } from "./flag-server.ts";
import type { InstanceNews } from "./fleet-instance.ts";
import { versioned } from "./local-lanes.ts";
import { evaluateWithOracle } from "./oracle.ts";
import { RedisServer } from "./redis-server.ts";

export const DEPLOYMENT_KEY = "server-deployment-key";
const USER_IDS = Array.from({ length: 12 }, (_, user) => `user ${user}`);
const PROGRAM = fileURLToPath(new URL("../dist/test/fleet-instance.js", import.meta.url));

/** Less than in earnest. */
const TIMING = {
  lockMillis: 800,
  renewMillis: 100,
  pollMillis: 40,
  keepMillis: 200,
  commandMillis: 500,
  patienceMillis: 1_500,
  cohortPollMillis: 150,
};
const UPSTREAM_POLL_MILLIS = 150;

type Answers = InstanceNews["answers"];

/** Flags whose variants say which edition they are, and a cohort that only this edition names. */
function editionOf(edition: number, step: number) {
  const memberIds = USER_IDS.filter((_, user) => user % step === 0);
  const cohortId = `cohort ${edition}`;
  const flags = [versioned(`v${edition}`), flagOf("member", [cohortId])];
  const cohort = { groupType: "User", memberIds, lastModified: edition * 100 + step };
  const answers = USER_IDS.map((user_id) => {
    const cohort_ids = memberIds.includes(user_id) ? [cohortId] : [];
    const variants = Object.entries(evaluateWithOracle(flags, { user: { user_id, cohort_ids } }));
    return [user_id, Object.fromEntries(variants.map(([k, v]) => [k, (v as { key: string }).key]))];
  });
  return {
    flags,
    cohorts: { [cohortId]: cohort },
    answers: Object.fromEntries(answers) as Answers,
  };
}

/** A process, and what it has told. */
export class Instance {
  readonly lane: FlagLane;
  readonly lines: string[] = [];
  readonly states: SourceState[] = [];
  answers: Answers = {};
  isStarted = false;
  readonly #process: ChildProcess;

  constructor(lane: FlagLane, config: object, onNews: (news: InstanceNews) => void) {
    this.lane = lane;
    const args = [PROGRAM, JSON.stringify({ ...config, userIds: USER_IDS })];
    this.#process = spawn(process.execPath, args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#process.on("message", (news: InstanceNews) => {
      onNews(news);
      this.states.push(news.state);
      this.answers = news.answers;
      this.lines.push(...news.lines);
      this.isStarted = news.isStarted;
    });
  }

  get state(): SourceState | undefined {
    return this.states.at(-1);
  }

  get fleet(): FleetState | undefined {
    return this.state?.fleet;
  }

  get isLeader(): boolean {
    return this.fleet?.role === "leader";
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** How often it has asked upstream for flags. */
  get polls(): number {
    return this.lane.requestsOf("flags").length;
  }

  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    if (!this.isAlive) return;
    const ended = once(this.#process, "exit");
    this.signal("SIGKILL");
    await ended;
  }

  /** Answers how the process ended, once nothing keeps it. */
  async stop(): Promise<number | null> {
    const ended = once(this.#process, "exit");
    this.#process.send("stop");
    return (await ended)[0];
  }
}

export class Fleet {
  readonly redis: RedisServer;
  readonly keys = new FleetKeys("halyard", DEPLOYMENT_KEY);
  readonly instances: Instance[] = [];
  /** What no instance should have told. */
  readonly faults: string[] = [];
  readonly #server: FlagServer;
  readonly #home = mkdtempSync(join(tmpdir(), "halyard-fleet-"));
  readonly #answers = new Map<string, Answers[]>();
  #edition = 0;
  #served: Pick<FlagLane, "flags" | "cohorts"> = { flags: [], cohorts: {} };
  readonly #lanes: FlagLane[] = [];

  private constructor(redis: RedisServer, server: FlagServer) {
    this.redis = redis;
    this.#server = server;
    this.edit();
  }

  static async begin(redis?: RedisServer): Promise<Fleet> {
    return new Fleet(redis ?? (await RedisServer.start()), await FlagServer.listen());
  }

  async end(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.kill()));
    this.#server.close();
    await this.redis.end();
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** Upstream has other flags, and other cohorts with them. */
  edit(): void {
    this.#edition++;
    this.#serve(1 + this.#edition);
  }

  /** Upstream has other members in the cohort; the flags stay. */
  editCohort(): void {
    this.#serve(7 + this.#edition);
  }

  #serve(step: number): void {
    const { flags, cohorts, answers } = editionOf(this.#edition, step);
    const version = `v${this.#edition}`;
    this.#answers.set(version, [...(this.#answers.get(version) ?? []), answers]);
    this.#served = { flags, cohorts };
    for (const lane of this.#lanes) {
      Object.assign(lane, this.#served);
      lane.push(flags);
    }
  }

  newFolder(): string {
    return mkdtempSync(join(this.#home, "snapshot-"));
  }

  /** @param upstreamOf - more of its upstream, by its lane */
  start(
    config: Partial<FleetConfig> = {},
    upstreamOf: (lane: FlagLane) => UpstreamConfig = () => ({}),
  ): Instance {
    const lane = this.#server.lane();
    Object.assign(lane, this.#served);
    this.#lanes.push(lane);
    const { serverUrl, cohortSyncConfig } = lane.config;
    const interval = { flagConfigPollingIntervalMillis: UPSTREAM_POLL_MILLIS };
    const told: FleetConfig = {
      deploymentKey: DEPLOYMENT_KEY,
      redis: this.redis.url,
      snapshotPath: this.newFolder(),
      logLevel: 4,
      ...config,
      upstream: { serverUrl, cohortSyncConfig, ...interval, ...upstreamOf(lane) },
      timing: { ...TIMING, ...config.timing },
    };
    const instance: Instance = new Instance(lane, told, (news) => this.#check(instance, news));
    this.instances.push(instance);
    return instance;
  }

  /** Instances that all answer by the current edition. */
  async startAll(count: number): Promise<Instance[]> {
    const started = Array.from({ length: count }, () => this.start());
    await this.converge();
    await this.leader();
    return started;
  }

  get alive(): Instance[] {
    return this.instances.filter(({ isAlive }) => isAlive);
  }

  /** All that are alive answer by the current edition. Answers how long it took, in ms. */
  converge(instances = this.alive): Promise<number> {
    const expected = this.#answers.get(`v${this.#edition}`)!.at(-1);
    return eventually(`all answer by edition ${this.#edition}`, () =>
      instances.every(({ answers }) => isDeepStrictEqual(answers, expected)),
    );
  }

  /** The one that leads. */
  async leader(among: readonly Instance[] = this.alive): Promise<Instance> {
    const leaders = () => among.filter(({ isLeader }) => isLeader);
    await eventually("one leads", () => leaders().length === 1);
    return leaders()[0];
  }

  /** Each answer is one of an edition, and what was live never goes back or away. */
  #check(instance: Instance, { state, answers }: InstanceNews): void {
    const before = instance.state;
    const version = answers[USER_IDS[0]].flag;
    const known = version === undefined ? undefined : this.#answers.get(version);
    const isEmpty = Object.values(answers).every((variants) => Object.keys(variants).length === 0);
    const isRight = known?.some((expected) => isDeepStrictEqual(expected, answers));
    const mayBeEmpty = before?.digest === undefined && state.digest === undefined;
    if (!isRight && !(isEmpty && mayBeEmpty)) this.faults.push(JSON.stringify(answers));
    const [last, number] = [before, state].map((it) => it?.fleet?.publication ?? 0);
    if (number < last) this.faults.push(`publication ${number} after ${last}`);
    if (JSON.stringify(state).includes(DEPLOYMENT_KEY)) this.faults.push("a key in the state");
  }
}
