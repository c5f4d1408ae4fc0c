// The service on loopback; every answer that is seen is checked against the protocol's description.
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import type { EvaluationFlag } from "halyard/engine";
import type { Service, ServiceOptions } from "../../src/service/index.ts";
import { expectDescribed } from "./description.ts";

/** As it is built: the sources alone do not find the core. A path that tsc takes for no source. */
const built = new URL("../../dist/src/service/index.js", import.meta.url).href;
const service: typeof import("../../src/service/index.ts") = await import(built);
export const { InlineSource } = service;
type Inline = InstanceType<typeof InlineSource>;

export interface Answered {
  status: number;
  headers: Headers;
  body: Record<string, unknown> | undefined;
}

export class OfrepServer {
  readonly url: string;
  readonly source: Inline;
  readonly #server: ServerType;
  readonly #service: Service;

  private constructor(server: ServerType, source: Inline, evaluating: Service) {
    this.#server = server;
    this.#service = evaluating;
    this.source = source;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static start(flags: readonly unknown[], options: ServiceOptions = {}): Promise<OfrepServer> {
    return OfrepServer.of(new InlineSource(flags as EvaluationFlag[]), options);
  }

  static async of(source: Inline, options: ServiceOptions): Promise<OfrepServer> {
    const evaluating = service.createService({ source, ...options });
    await evaluating.start();
    return new Promise((resolve) => {
      const listening = { fetch: evaluating.fetch, hostname: "127.0.0.1", port: 0 };
      const server = serve(listening, () => resolve(new OfrepServer(server, source, evaluating)));
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#server.close(resolve));
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    await ended;
    await this.#service.stop();
  }

  /** To be handed to SDKs. */
  readonly fetch = async (request: Request | string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(request, init);
    const body = await response
      .clone()
      .json()
      .catch(() => undefined);
    expectDescribed(new URL(response.url).pathname, response.status, body);
    return response;
  };

  /** @param body - as it is if it is a text, else as JSON */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const response = await this.fetch(`${this.url}/ofrep/v1/evaluate/flags${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
    } as RequestInit);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    const { status } = response;
    return { status, headers: response.headers, body: isJson ? JSON.parse(text) : undefined };
  }

  one(flagKey: string, context: unknown, headers?: Record<string, string>): Promise<Answered> {
    return this.post(`/${encodeURIComponent(flagKey)}`, { context }, headers);
  }

  async all(context: unknown): Promise<Record<string, unknown>[]> {
    return (await this.post("", { context })).body!.flags as Record<string, unknown>[];
  }
}
