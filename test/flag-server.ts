// A server of loopback that has all that a local client asks for: flags, their stream, cohorts, and
// uploads of events. It records what is asked, and answers otherwise where it is told to.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { UploadedEvent } from "./analytics-server.ts";
import { type Answer, jsonOf, type RecordedRequest, statusOf } from "./evaluation-server.ts";

export interface ServedCohort {
  groupType: string;
  memberIds: readonly string[];
  lastModified?: number;
}

const KINDS = {
  flags: /^\/sdk\/v2\/flags$/,
  stream: /^\/sdk\/stream\/v1\/flags$/,
  cohort: /^\/sdk\/v1\/cohort\//,
  upload: /^\/2\/httpapi$/,
};
export type Kind = keyof typeof KINDS;

/** One client's part of the server, with an address of its own. */
export class FlagLane {
  readonly url: string;
  readonly requests: RecordedRequest[] = [];
  /** The streams that are open. */
  readonly streams = new Set<ServerResponse>();
  flags: unknown = [];
  /** Whether flags have an ETag, for `If-None-Match`. */
  hasEtag = false;
  cohorts: Readonly<Record<string, ServedCohort>> = {};
  /** Answers instead, each for one request; when there are none left, those of `always`. */
  readonly once: Partial<Record<Kind, Answer[]>> = {};
  readonly always: Partial<Record<Kind, Answer>> = {};
  /** Requests for flags that are being answered now; the most there have been at a time. */
  atOnce = 0;
  atOnceMax = 0;

  constructor(url: string) {
    this.url = url;
  }

  /** What a client is to be configured with. */
  get config() {
    const upload = { serverUrl: `${this.url}/2/httpapi`, flushIntervalMillis: 20 };
    return {
      serverUrl: this.url,
      streamServerUrl: this.url,
      cohortSyncConfig: { apiKey: "api-key", secretKey: "secret-key", cohortServerUrl: this.url },
      exposureConfig: { apiKey: "exposure-key", ...upload },
      assignmentConfig: { apiKey: "assignment-key", ...upload },
    };
  }

  requestsOf(kind: Kind): RecordedRequest[] {
    return this.requests.filter(({ path }) => KINDS[kind].test(path.split("?")[0]));
  }

  eventsOf(apiKey: string): UploadedEvent[] {
    return this.requestsOf("upload")
      .map(({ body }) => JSON.parse(body) as { api_key: string; events: UploadedEvent[] })
      .filter(({ api_key }) => api_key === apiKey)
      .flatMap(({ events }) => events);
  }

  /** Streams the flags that are served from now on. */
  push(flags: unknown): void {
    this.flags = flags;
    this.write(JSON.stringify(flags));
  }

  /** Streams data. */
  write(data: string): void {
    for (const stream of this.streams) stream.write(`data: ${data}\n\n`);
  }

  /** Ends the streams that are open. */
  endStreams(): void {
    for (const stream of this.streams) stream.end();
  }

  answer(response: ServerResponse, request: RecordedRequest): void {
    this.requests.push(request);
    const [path] = request.path.split("?");
    const kind = (Object.keys(KINDS) as Kind[]).find((name) => KINDS[name].test(path));
    if (kind === "flags") this.#count(response);
    const told = kind && (this.once[kind]?.shift() ?? this.always[kind] ?? this.#usual[kind]);
    const answer = told ?? statusOf(404);
    answer(response, request);
  }

  #count(response: ServerResponse): void {
    this.atOnceMax = Math.max(this.atOnceMax, ++this.atOnce);
    response.once("close", () => this.atOnce--);
  }

  readonly #usual: Readonly<Record<Kind, Answer>> = {
    flags: (response, request) => {
      const body = JSON.stringify(this.flags);
      const etag = `"${createHash("sha1").update(body).digest("hex")}"`;
      if (this.hasEtag) response.setHeader("ETag", etag);
      if (this.hasEtag && request.headers["if-none-match"] === etag) {
        response.writeHead(304).end();
      } else {
        jsonOf(this.flags)(response, request);
      }
    },
    stream: (response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.once("close", () => this.streams.delete(response));
      this.streams.add(response);
      response.write(`data: ${JSON.stringify(this.flags)}\n\n`);
    },
    cohort: (response, request) => {
      const url = new URL(request.path, this.url);
      const cohortId = decodeURIComponent(url.pathname.split("/").at(-1)!);
      const cohort = this.cohorts[cohortId];
      if (!cohort) return statusOf(404)(response, request);
      const { lastModified = 1, memberIds } = cohort;
      if (url.searchParams.get("lastModified") === String(lastModified)) {
        return statusOf(204)(response, request);
      }
      const sizes = { size: memberIds.length, lastComputed: lastModified, groupTypeId: 0 };
      jsonOf({ cohortId, ...sizes, ...cohort, lastModified })(response, request);
    },
    upload: (response, request) => {
      const { events } = JSON.parse(request.body) as { events: object[] };
      jsonOf({ code: 200, events_ingested: events.length })(response, request);
    },
  };
}

/** Lanes share the port and are told apart by the first segment of the path. */
export class FlagServer {
  readonly #lanes: FlagLane[] = [];
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  /** @param make - makes the server, of node:http by default */
  static async listen(make: () => Server = createServer, scheme = "http"): Promise<FlagServer> {
    const server = make().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FlagServer(server, scheme);
  }

  lane(flags: unknown = []): FlagLane {
    const { port } = this.#server.address() as AddressInfo;
    const lane = new FlagLane(`${this.#scheme}://127.0.0.1:${port}/${this.#lanes.length}`);
    lane.flags = flags;
    this.#lanes.push(lane);
    return lane;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, index, path] = /^\/(\d+)(.*)$/.exec(message.url ?? "") ?? [];
    const body = await text(message);
    const headers = message.headers as Record<string, string>;
    this.#lanes[Number(index)].answer(response, { method: message.method!, path, headers, body });
  }
}
