// A server of loopback that takes uploads of analytics events.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface UploadedEvent extends Record<string, unknown> {
  time: number;
  library: string;
  insert_id: string;
}

export interface Upload {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  apiKey: string;
  events: UploadedEvent[];
}

type Answer = (response: ServerResponse, upload: Upload) => void;

/** As the real one answers. */
export const accept: Answer = (response, { events }) => {
  response.end(JSON.stringify({ code: 200, events_ingested: events.length }));
};

export class AnalyticsServer {
  readonly uploads: Upload[] = [];
  answer: Answer = accept;
  readonly #server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => {
      const { api_key: apiKey, events } = JSON.parse(body);
      const { method, url, headers } = request;
      const upload = { method: method!, path: url!, headers, apiKey, events };
      this.uploads.push(upload);
      this.answer(response, upload);
    });
  });

  static async start(): Promise<AnalyticsServer> {
    const server = new AnalyticsServer();
    await new Promise<void>((listening) => server.#server.listen(0, "127.0.0.1", listening));
    return server;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/2/httpapi`;
  }

  eventsOf(apiKey: string): UploadedEvent[] {
    return this.uploads
      .filter((upload) => upload.apiKey === apiKey)
      .flatMap(({ events }) => events);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((closed) => this.#server.close(() => closed()));
  }
}
