// Local clients, a server for them, folders for their snapshots.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalEvaluationClient, type LocalEvaluationConfig } from "halyard";
import { type Answer, EvaluationServer, jsonOf, type Lane } from "./evaluation-server.ts";
import { configOf, versioned } from "./local-lanes.ts";

/** All flags, by version. */
export const v1 = jsonOf([versioned("v1")]);
export const v2 = jsonOf([versioned("v2")]);

export class LocalSetup {
  readonly #server: EvaluationServer;
  readonly #home = mkdtempSync(join(tmpdir(), "halyard-local-"));
  readonly #clients: LocalEvaluationClient[] = [];
  #folders = 0;

  private constructor(server: EvaluationServer) {
    this.#server = server;
  }

  static async begin(): Promise<LocalSetup> {
    return new LocalSetup(await EvaluationServer.listen());
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    this.#server.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  lane(...answers: Answer[]): Lane {
    return this.#server.lane(...answers);
  }

  /** Of a port on which nobody listens. */
  async goneLane(): Promise<Lane> {
    const gone = await EvaluationServer.listen();
    gone.close();
    return gone.lane(v1);
  }

  newFolder(): string {
    return join(this.#home, `${this.#folders++}`);
  }

  /** A client, and what it has told. */
  clientOf(config: LocalEvaluationConfig) {
    const client = new LocalEvaluationClient("the deployment key", config);
    this.#clients.push(client);
    const told: string[] = [];
    for (const name of ["ready", "update", "error", "stale"] as const) {
      client.on(name, () => told.push(name));
    }
    const version = (user_id = "u") => client.evaluateV2({ user_id }).flag?.key;
    return { client, told, version };
  }

  /** A folder with these flags in it. */
  async snapshot(flags: Answer = v1, cohorts?: Lane): Promise<string> {
    const snapshotPath = this.newFolder();
    const config = configOf(this.lane(flags), cohorts);
    const { client } = this.clientOf({ ...config, snapshotPath });
    await client.start();
    await client.stop();
    return snapshotPath;
  }
}
