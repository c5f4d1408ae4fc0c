import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import type { Service } from "../service.ts";

/** Longer than load balancers keep connections, so that it is they who close them. */
const KEEP_ALIVE_MILLIS = 75_000;
/** Of connections on which nothing moves; streams have their signs of life. */
const SILENCE_MILLIS = 120_000;
/** How often it is looked whose time is up. */
const CHECK_MILLIS = 1_000;
/** Connections that wait to be accepted; more than most systems allow. */
const BACKLOG = 4_096;
const DRAIN_POLL_MILLIS = 50;
/** What idle connections get at the end. */
const IDLE_MILLIS = 500;
/** What whoever is refused may go on to send before it reads why. */
const LINGER_MILLIS = 500;

/** Where to listen: at an address, or at the socket of another thread. */
export type Place = { port: number; host: string } | { fd: number };

/** The service's HTTP server on Node. */
export class HttpServer {
  readonly #server: Server;
  #isDraining = false;

  private constructor(server: Server) {
    this.#server = server;
    server.prependListener("request", (_, response) => {
      if (this.#isDraining) response.setHeader("Connection", "close");
    });
  }

  /** @throws what `listen` does, such as EADDRINUSE */
  static async listen({ fetch, limits }: Service, place: Place): Promise<HttpServer> {
    const { headerBytes, requestMillis } = limits;
    const serverOptions = {
      maxHeaderSize: headerBytes,
      headersTimeout: requestMillis,
      requestTimeout: requestMillis,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
      connectionsCheckingInterval: CHECK_MILLIS,
    };
    const server = createAdaptorServer({
      ...{ fetch, createServer, serverOptions },
      // Of HTTP/1.0, as load balancers check health with it: no Host is needed.
      hostname: "localhost",
    }) as Server;
    server.timeout = SILENCE_MILLIS;
    server.on("clientError", refuse);
    server.listen({ ...place, backlog: BACKLOG });
    await once(server, "listening");
    return new HttpServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * The listening socket, for servers of other threads: the system gives each connection to the
   * first that takes it. Undefined where there are no such numbers (Windows).
   */
  get fd(): number | undefined {
    // Node has no public name for it, but `listen({ fd })` takes it.
    const { _handle } = this.#server as unknown as { _handle: { fd: number } | null };
    return _handle && _handle.fd >= 0 ? _handle.fd : undefined;
  }

  /**
   * Answers what still comes, and says with each answer that the connection ends; resolves when
   * there is none left, or when those that are left after so long are cut off. It goes on to
   * listen: see {@link shut}.
   */
  async drain(graceMillis: number): Promise<void> {
    const server = this.#server;
    this.#isDraining = true;
    const start = performance.now();
    while ((await connectionsOf(server)) > 0) {
      const passed = performance.now() - start;
      if (passed >= graceMillis) server.closeAllConnections();
      // On one that is idle a request may be under way.
      else if (passed >= IDLE_MILLIS) server.closeIdleConnections();
      await sleep(DRAIN_POLL_MILLIS);
    }
  }

  /**
   * Closes the socket. Not one that other threads listen at: its number is theirs, too, and when
   * one of them watches a number that was closed the process ends (libuv aborts).
   */
  shut(): void {
    this.#server.close();
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count ?? 0)));
}

const REFUSALS: Readonly<Record<string, readonly [status: string, code: string, message: string]>> =
  {
    HPE_HEADER_OVERFLOW: [
      "431 Request Header Fields Too Large",
      "too-large",
      "headers: expected fewer bytes, got more",
    ],
    ERR_HTTP_REQUEST_TIMEOUT: [
      "408 Request Timeout",
      "timeout",
      "request: expected to be whole in time, got a part",
    ],
  };

/** Answers what is no HTTP. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [status, code, message] = REFUSALS[error.code ?? ""] ?? [
    "400 Bad Request",
    "invalid-http",
    "request: expected HTTP/1.1, got something else",
  ];
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  const head = [
    `HTTP/1.1 ${status}`,
    "Connection: close",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${body.length}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // Closed before it is read, a request takes the answer with it.
  socket.on("data", () => {});
  setTimeout(() => socket.destroy(), LINGER_MILLIS).unref();
}
