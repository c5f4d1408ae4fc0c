// The service on loopback; every answer that is seen is checked against the protocol's description.
import type { EvaluationFlag } from "halyard/engine";
import { createService, InlineSource, type ServiceOptions } from "halyard/service";
import { listen } from "../service-server.ts";
import { expectDescribed } from "./description.ts";

export interface Answered {
  status: number;
  headers: Headers;
  body: Record<string, unknown> | undefined;
}

export class OfrepServer {
  readonly url: string;
  readonly source: InlineSource;
  readonly stop: () => Promise<void>;

  private constructor(url: string, source: InlineSource, stop: () => Promise<void>) {
    this.url = url;
    this.source = source;
    this.stop = stop;
  }

  static start(flags: readonly unknown[], options: ServiceOptions = {}): Promise<OfrepServer> {
    return OfrepServer.of(new InlineSource(flags as EvaluationFlag[]), options);
  }

  static async of(source: InlineSource, options: ServiceOptions): Promise<OfrepServer> {
    const { url, stop } = await listen(createService({ source, ...options }));
    return new OfrepServer(url, source, stop);
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
