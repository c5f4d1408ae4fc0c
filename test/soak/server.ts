// What a soak's client talks to: flags that change all the time, streams that drop, cohorts that
// come and go, a sink that takes events or not.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { EvaluationFlag } from "halyard";
import { flagOf } from "../cohort-fixture.ts";
import { cohortIdOf, cohortOf, versioned } from "../local-lanes.ts";
import type { Random } from "../random.ts";

/** In all of them is the same version. */
export const FLAG_COUNT = 20;
export const COHORT_FLAG = "cohort";
const MEMBERS = 5_000;
/** Versions of the flags that name the same cohort. */
const COHORT_VERSIONS = 40;
const STREAM_MIN_MILLIS = 200;
const STREAM_RANGE_MILLIS = 20_000;

export interface SoakCounts {
  polls: number;
  unchanged: number;
  streams: number;
  streamed: number;
  dropped: number;
  cohorts: number;
  cohortFailures: number;
  uploads: number;
  uploadFailures: number;
  events: number;
}

export class SoakServer {
  readonly counts: SoakCounts = {
    ...{ polls: 0, unchanged: 0, streams: 0, streamed: 0, dropped: 0 },
    ...{ cohorts: 0, cohortFailures: 0, uploads: 0, uploadFailures: 0, events: 0 },
  };
  readonly #random: Random;
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => this.#answer(request, response));
  #version = 0;
  #json = "";

  constructor(random: Random) {
    this.#random = random;
    this.update();
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get version(): number {
    return this.#version;
  }

  /** The next version of all flags. */
  update(): void {
    this.#version++;
    this.#json = JSON.stringify(this.#flags());
    for (const stream of this.#streams) {
      // Who does not read misses what is no longer new.
      if (stream.writableLength > 0) continue;
      stream.write(`data: ${this.#json}\n\n`);
      this.counts.streamed++;
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #flags(): EvaluationFlag[] {
    const flags: EvaluationFlag[] = [];
    for (let flag = 0; flag < FLAG_COUNT; flag++) {
      flags.push(versioned(`v${this.#version}`, { key: `flag-${flag}` }));
    }
    const cohortId = `cohort-${Math.floor(this.#version / COHORT_VERSIONS)}`;
    return [...flags, flagOf(COHORT_FLAG, ["cohort-of-all", cohortId])] as EvaluationFlag[];
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    if (path === "/sdk/v2/flags") this.#poll(request, response);
    else if (path === "/sdk/stream/v1/flags") this.#stream(response);
    else if (path.startsWith("/sdk/v1/cohort/")) this.#cohort(path, response);
    else this.#upload(request, response);
  }

  #poll({ headers }: IncomingMessage, response: ServerResponse): void {
    this.counts.polls++;
    if (this.#random.chance(0.02)) {
      this.#fail(response);
      return;
    }
    const etag = `"${this.#version}"`;
    if (headers["if-none-match"] === etag) {
      this.counts.unchanged++;
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { "Content-Type": "application/json", ETag: etag }).end(this.#json);
  }

  #stream(response: ServerResponse): void {
    this.counts.streams++;
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(`data: ${this.#json}\n\n`);
    this.#streams.add(response);
    const millis = STREAM_MIN_MILLIS + this.#random.int(STREAM_RANGE_MILLIS);
    const timer = setTimeout(() => {
      this.counts.dropped++;
      if (this.#random.chance(0.5)) response.socket?.resetAndDestroy();
      else response.end("data: [");
    }, millis);
    response.on("close", () => {
      clearTimeout(timer);
      this.#streams.delete(response);
    });
  }

  #cohort(path: string, response: ServerResponse): void {
    this.counts.cohorts++;
    if (this.#random.chance(0.2)) {
      this.counts.cohortFailures++;
      this.#fail(response);
      return;
    }
    const prefix = cohortIdOf(path);
    const memberIds = Array.from({ length: MEMBERS }, (_, index) => `${prefix} ${index}`);
    const body = JSON.stringify(cohortOf([...memberIds, "in all"], { lastModified: Date.now() }));
    response.writeHead(200, { "Content-Type": "application/json" }).end(body);
  }

  #upload(request: IncomingMessage, response: ServerResponse): void {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      this.counts.uploads++;
      if (this.#random.chance(0.3)) {
        this.counts.uploadFailures++;
        this.#fail(response);
        return;
      }
      const { events } = JSON.parse(body) as { events: unknown[] };
      this.counts.events += events.length;
      response.end(JSON.stringify({ code: 200, events_ingested: events.length }));
    });
  }

  #fail(response: ServerResponse): void {
    const way = this.#random.int(4);
    if (way === 0) response.socket?.resetAndDestroy();
    else if (way === 1) response.writeHead(202).end();
    else if (way === 2) response.writeHead(429, { "Retry-After": "0" }).end("{}");
    else response.writeHead(503).end("<html>");
  }
}
