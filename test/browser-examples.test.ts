// The examples of pages, in Chromium: on a service of ours, and rendered by a server.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Experiment } from "halyard";
import { expect, test } from "vitest";
import { bundle } from "./browser-bundle.ts";
import {
  EXAMPLE_KEYS,
  exampleFlags,
  oracleVariants,
  WAIT,
  withBrowser,
  withChromium,
} from "./page-browser.ts";

const open = withBrowser();
const browser = withChromium();
const imagePath = process.env.PAGE_IMAGE;
const example = (name: string) => new URL(`../examples/${name}`, import.meta.url);

test("a page on the service", async () => {
  await using opened = await open({ flags: exampleFlags });
  const script = await bundle(readFileSync(example("browser/page.mjs"), "utf8"));
  const server = createServer((request, response) => {
    const isScript = request.url!.startsWith("/page.js");
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : readFileSync(example("browser/index.html")));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const page = await browser().newPage({ viewport: { width: 800, height: 1000 } });
  const { port } = server.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}/?user=u7&service=${opened.url}`);
  const rows = page.locator("#variants tr");
  await expect.poll(() => rows.count(), WAIT).toBeGreaterThan(10);
  const shown = await rows.evaluateAll((all) => all.map((row) => row.children[0].textContent));
  for (const key of shown) expect(EXAMPLE_KEYS).toContain(key);
  expect(await page.locator("#exposures li").count()).toBeGreaterThan(0);
  if (imagePath) await page.screenshot({ path: imagePath });
  await page.close();
  server.close();
  server.closeAllConnections();
});

test("a page that a server has rendered", async () => {
  const { createApp } = await import(example("ssr/app.mjs").href);
  const bootstrap = Object.fromEntries(exampleFlags.map((flag) => [flag.key, flag]));
  const client = Experiment.initializeLocal("server-example", { bootstrap });
  const app = createApp(client, await bundle(readFileSync(example("ssr/page.mjs"), "utf8")));
  const page = await browser().newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const user of ["u1", "u2", "</script><b>"]) {
    await page.goto(`http://127.0.0.1:${port}/?user=${encodeURIComponent(user)}`);
    const hero = oracleVariants(exampleFlags, { user_id: user })["homepage-hero"];
    expect(await page.locator("h1").getAttribute("data-variant")).toBe(hero);
    await expect.poll(() => page.locator("#browser").textContent(), WAIT).toBe(hero);
  }
  expect(asked.filter((path) => path.includes("sdk"))).toEqual([]);
  await page.close();
  server.close();
  if ("closeAllConnections" in server) server.closeAllConnections();
});
