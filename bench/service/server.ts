// A server that is measured, in a process of its own: Halyard's service, or Amplitude's client in
// the same framework. Its parent is told the address, asks how much it has computed, and ends it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { serve } from "../../src/service/node/serve.ts";
import { makeFixture } from "../fixture.ts";
import { Client } from "../lanes.ts";

/** What is measured. */
export type Contender = "client" | "halyard" | "halyard, 2 workers";

/** Amplitude's client answering as its evaluation service does. */
function serveClient(): Promise<string> {
  const { many } = makeFixture();
  const client = new Client(many);
  const app = new Hono();
  app.get("/sdk/v2/vardata", (context) => {
    const header = context.req.header("x-amp-exp-user") ?? "";
    const user: Record<string, unknown> = JSON.parse(Buffer.from(header, "base64url").toString());
    return context.json(client.evaluateUser(user));
  });
  const server = createAdaptorServer({ fetch: app.fetch, createServer });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

async function serveHalyard(workers: number): Promise<string> {
  const { many } = makeFixture();
  const { url } = await serve({ flags: many.flags, port: 0, workers, logLevel: "warn" });
  return url;
}

const STARTS: Readonly<Record<Contender, () => Promise<string>>> = {
  client: serveClient,
  halyard: () => serveHalyard(1),
  "halyard, 2 workers": () => serveHalyard(2),
};

process.once("disconnect", () => process.exit());
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.(await STARTS[process.argv[2] as Contender]());
