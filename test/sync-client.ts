// What keeps the cohorts of an engine as a server has them, with little patience.
import { Engine } from "halyard/engine";
import { CohortApi, type CohortTimeouts } from "../src/local/cohort-api.ts";
import {
  type CohortPatience,
  CohortSync,
  type CohortSyncOptions,
} from "../src/local/cohort-sync.ts";
import { CohortSyncDefaults } from "../src/local/config.ts";
import { Http } from "../src/sdk/http.ts";
import { Log, LogLevel } from "../src/sdk/log.ts";
import { flagOf, isIn } from "./cohort-fixture.ts";
import type { Lane } from "./evaluation-server.ts";
import { Lines } from "./local-lanes.ts";

/** Less than in earnest. */
const PATIENCE: CohortPatience = { retryMinMillis: 1, retryMaxMillis: 4, pendingMillis: 400 };
const TIMEOUTS: CohortTimeouts = { answerMillis: 20_000, silenceMillis: 20_000 };
/** As the client has it. */
export const ATTEMPTS = 3;

/** What is asked for: cohorts of users, unless another type is given. */
export const named = (...ids: string[]) => new Map(ids.map((id) => [id, "User"]));

export interface SyncSetup {
  maxCohortSize?: number;
  groupType?: string;
  patience?: Partial<CohortPatience>;
  timeouts?: CohortTimeouts;
}

/** Cohorts of one lane, in an engine with a flag for each. */
export class SyncClient {
  readonly lines = new Lines();
  readonly errors: unknown[] = [];
  readonly engine: Engine;
  readonly sync: CohortSync;
  readonly life = new AbortController();

  constructor(lane: Lane, setup: SyncSetup = {}, ids: readonly string[] = ["c"]) {
    const keys = { apiKey: "key", secretKey: "sécret", cohortServerUrl: lane.url };
    const { maxCohortSize = CohortSyncDefaults.maxCohortSize } = setup;
    const config = { ...CohortSyncDefaults, ...keys, maxCohortSize };
    const log = new Log({ loggerProvider: this.lines, logLevel: LogLevel.Verbose }, []);
    const flags = ids.map((id) => flagOf(id, [id], setup.groupType));
    this.engine = Engine.loadSync(flags);
    this.sync = new CohortSync({
      api: new CohortApi(new Http({}), config, setup.timeouts ?? TIMEOUTS),
      engine: this.engine as unknown as CohortSyncOptions["engine"],
      log,
      snapshot: undefined,
      patience: { ...PATIENCE, ...setup.patience },
      onError: (error) => this.errors.push(error),
    });
  }

  prepare(cohorts: ReadonlyMap<string, string> = named("c")): Promise<void> {
    return this.sync.prepare(cohorts, this.life.signal);
  }

  refresh(): Promise<boolean> {
    return this.sync.refresh(this.life.signal);
  }

  isIn(...userIds: string[]): boolean[] {
    return isIn(this.engine, userIds, "c");
  }
}
