import { Hono } from "hono";
import { ContextError } from "../engine/index.ts";
import { reasonOf } from "../sdk/log.ts";
import type { ServiceLog } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { Problem } from "./problem.ts";

/** A request, with what routes ask of it. */
export class RoutedRequest {
  readonly raw: Request;
  readonly headers: Headers;
  readonly #param: (name: string) => string | undefined;
  #query: URLSearchParams | undefined;

  constructor(raw: Request, param: (name: string) => string | undefined) {
    this.raw = raw;
    this.headers = raw.headers;
    this.#param = param;
  }

  /** A part of the path, decoded. */
  param(name: string): string {
    return this.#param(name) ?? "";
  }

  get query(): URLSearchParams {
    if (!this.#query) {
      const { url } = this.raw;
      const start = url.indexOf("?");
      this.#query = new URLSearchParams(start < 0 ? "" : url.slice(start + 1));
    }
    return this.#query;
  }
}

export type Handler = (request: RoutedRequest) => Response | Promise<Response>;

/** Hono's router; every route is measured, and whatever it throws becomes an answer. */
export class Router {
  readonly app = new Hono();
  readonly #log: ServiceLog;
  readonly #metrics: Metrics;

  constructor(log: ServiceLog, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
    this.app.notFound(({ req }) => {
      metrics.request("none", req.method, 404, 0);
      const message = "path: expected one of the service, got another";
      return Problem.json(404, { code: "not-found", message, path: "path" }).response;
    });
    // Of what Hono itself refuses, such as a path that cannot be decoded.
    this.app.onError((error) => this.#failed(error));
  }

  get(path: string, handler: Handler): void {
    this.#on("GET", path, handler);
  }

  post(path: string, handler: Handler): void {
    this.#on("POST", path, handler);
  }

  options(path: string, handler: Handler): void {
    this.#on("OPTIONS", path, handler);
  }

  #on(method: string, path: string, handler: Handler): void {
    const measure = this.#metrics.requestOf(path, method);
    this.app.on(method, path, async ({ req }) => {
      const start = performance.now();
      const request = new RoutedRequest(req.raw, (name) => req.param(name));
      let response: Response;
      try {
        response = await handler(request);
      } catch (error) {
        response = this.#failed(error);
      }
      const millis = performance.now() - start;
      measure(response.status, millis);
      this.#log.debug({ method: req.method, route: path, status: response.status, millis });
      return response;
    });
  }

  #failed(error: unknown): Response {
    if (error instanceof Problem) return error.response;
    if (error instanceof ContextError) {
      const message = "user: expected one that fits into memory, got a larger one";
      return Problem.json(413, { code: "too-large", message }).response;
    }
    if (error instanceof URIError) {
      const message = "path: expected percent-encoded UTF-8, got something else";
      return Problem.json(400, { code: "invalid-path", message, path: "path" }).response;
    }
    this.#log.error({ reason: reasonOf(error) }, "a request could not be answered");
    const message = "the service could not answer; its log says why";
    return Problem.json(500, { code: "internal", message }).response;
  }
}
