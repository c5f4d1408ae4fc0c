// A server that evaluates: records what clients send, and answers as it is told.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface RecordedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** How a request is answered. */
export type Answer = (response: ServerResponse, request: RecordedRequest) => void;

/** One client's part of the server: an address of its own, its requests, its answers. */
export interface Lane {
  url: string;
  requests: RecordedRequest[];
  /** In order; the last one is for all further requests. */
  answers: readonly Answer[];
}

export const statusOf =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end(status === 204 ? "" : `status ${status}`);
  };

export const bodyOf =
  (body: string, type = "application/json; charset=utf-8"): Answer =>
  (response) => {
    response.writeHead(200, { "Content-Type": type }).end(body);
  };

export const jsonOf = (value: unknown): Answer => bodyOf(JSON.stringify(value));

export const silence: Answer = () => {};

export const reset: Answer = (response) => {
  response.socket?.resetAndDestroy();
};

/** The headers, a part of the body, and the end of the connection. */
export const truncated =
  (status: number): Answer =>
  (response) => {
    response.writeHead(status, { "Content-Type": "application/json", "Content-Length": "1000" });
    response.write('{"flag":{"key":"on"', () => response.socket?.end());
  };

/** The headers, a part of the body, and nothing more. */
export const stalled: Answer = (response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
  response.write('{"flag":{"key":"on"');
};

/** The user of a request, wherever it is. */
export function userOf({ headers, body }: RecordedRequest): Record<string, unknown> {
  const header = headers["x-amp-exp-user"];
  return JSON.parse(header === undefined ? body : Buffer.from(header, "base64url").toString());
}

const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  ...["host", "connection", "accept", "accept-encoding", "accept-language", "user-agent"],
  ...["sec-fetch-mode", "content-length"],
]);

/** A request as a client means it: without what its transport adds. */
export function meaningOf({ headers, ...request }: RecordedRequest): RecordedRequest {
  const meant = Object.entries(headers).filter(([name]) => !CONNECTION_HEADERS.has(name));
  return { ...request, headers: Object.fromEntries(meant) };
}

/** On loopback; lanes share the port and are told apart by the first segment of the path. */
export class EvaluationServer {
  readonly #server: Server;
  readonly #lanes = new Map<string, Lane>();
  readonly #origin: string;

  private constructor(server: Server, origin: string) {
    this.#server = server;
    this.#origin = origin;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  /** @param make - makes the server, of node:http by default */
  static async listen(make: () => Server = createServer, scheme = "http") {
    const server = make().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return new EvaluationServer(server, `${scheme}://127.0.0.1:${port}`);
  }

  lane(...answers: Answer[]): Lane {
    const name = `lane-${this.#lanes.size}`;
    const lane: Lane = { url: `${this.#origin}/${name}`, requests: [], answers };
    this.#lanes.set(name, lane);
    return lane;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name, path] = /^\/([^/]+)(.*)$/.exec(message.url ?? "") ?? [];
    const lane = this.#lanes.get(name);
    if (!lane) return void response.writeHead(404).end();
    const headers = message.headers as Record<string, string>;
    const request = { method: message.method ?? "", path, headers, body: await text(message) };
    const index = Math.min(lane.requests.push(request), lane.answers.length) - 1;
    lane.answers[index](response, request);
  }
}
