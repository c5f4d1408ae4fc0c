// The service on loopback, and a source whose flags and cohorts a test changes as it likes.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { serve } from "@hono/node-server";
import type { EvaluationFlag } from "halyard/engine";
import {
  type CohortFile,
  createService,
  InlineSource,
  type Service,
  type ServiceLog,
  type ServiceOptions,
  type Source,
  type SourceState,
} from "halyard/service";
import { afterEach } from "vitest";

const used: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of used.splice(0).reverse()) await end();
});

export interface LogLine {
  level: keyof ServiceLog;
  fields: Readonly<Record<string, unknown>>;
  message: string | undefined;
}

export interface Running {
  service: Service;
  url: string;
  /** Of node:http; ended after the test. */
  server: Server;
  log: readonly LogLine[];
}

/** A service of its own that listens, stopped after the test. */
export async function runService(options: ServiceOptions): Promise<Running> {
  const lines: LogLine[] = [];
  const level = (name: keyof ServiceLog) => (fields: object, message?: string) => {
    lines.push({ level: name, fields: { ...fields }, message });
  };
  const log = {
    error: level("error"),
    warn: level("warn"),
    info: level("info"),
    debug: level("debug"),
  };
  const service = createService({ log, ...options });
  const listening = await listen(service);
  used.push(listening.stop);
  return { service, ...listening, log: lines };
}

/** Starts a service, and has it answer on loopback. */
export async function listen(service: Pick<Service, "start" | "stop" | "fetch">) {
  await service.start();
  const server = serve({ fetch: service.fetch, hostname: "127.0.0.1", port: 0 }) as Server;
  if (!server.listening) await once(server, "listening");
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await service.stop();
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server, stop };
}

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  /** As it came: nothing is decompressed. */
  bytes: Buffer;
  text: string;
}

/** Asks with these headers and no others. */
export async function ask(url: string, { method, headers, body }: Asked = {}): Promise<Answered> {
  const asked = request(url, { method, headers, agent: false }).end(body);
  const [answer] = await once(asked, "response");
  const bytes = await buffer(answer);
  return { status: answer.statusCode, headers: answer.headers, bytes, text: bytes.toString() };
}

export interface TestCohort {
  cohortId: string;
  groupType: string;
  memberIds: readonly string[];
  lastModified: number;
}

/** Inline flags, and cohorts in files. */
export class TestSource implements Source {
  readonly folder = mkdtempSync(join(tmpdir(), "halyard-service-"));
  isEmpty = false;
  isStale = false;
  readonly #inline = new InlineSource([]);
  readonly #cohorts = new Map<string, CohortFile>();
  #text: string | undefined;

  constructor(flags: readonly EvaluationFlag[] = []) {
    this.#inline.update(flags);
    used.push(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** @param text - the same flags as they are to be sent */
  update(flags: readonly EvaluationFlag[], text?: string): void {
    this.#text = text;
    this.#inline.update(flags);
  }

  setCohort({ cohortId, groupType, memberIds, lastModified }: TestCohort): void {
    const size = memberIds.length;
    const times = { lastComputed: lastModified, lastModified };
    const json = { cohortId, groupType, groupTypeId: 0, ...times, size, memberIds };
    const path = join(this.folder, `${this.#cohorts.size}-${lastModified}.json`);
    writeFileSync(path, JSON.stringify(json));
    this.engine.setCohort(cohortId, groupType, memberIds);
    const file = { cohortId, groupType, size, lastModified, path, format: "json" as const };
    this.#cohorts.set(cohortId, file);
  }

  get engine() {
    return this.#inline.engine;
  }

  get flags(): string | undefined {
    return this.isEmpty ? undefined : (this.#text ?? this.#inline.flags);
  }

  get state(): SourceState {
    const cohorts = [...this.#cohorts.values()];
    return { ...this.#inline.state, isStale: this.isStale, cohorts };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  onChange(listener: () => void): () => void {
    return this.#inline.onChange(listener);
  }
}
