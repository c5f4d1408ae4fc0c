// node examples/ssr/server.mjs, then http://127.0.0.1:8080/?user=u2
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { build } from "esbuild";
import { Experiment } from "halyard";
import { createApp } from "./app.mjs";

const flags = JSON.parse(readFileSync(new URL("../flags.json", import.meta.url), "utf8"));
const bootstrap = Object.fromEntries(flags.map((flag) => [flag.key, flag]));
// With a deployment's key it is started, and keeps the flags as they are there.
const client = Experiment.initializeLocal("server-example", { bootstrap });

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("page.mjs", import.meta.url))],
  bundle: true,
  format: "esm",
  platform: "browser",
  write: false,
});

const { fetch } = createApp(client, outputFiles[0].text);
serve({ fetch, port: 8080, hostname: "127.0.0.1" }, ({ port }) => {
  console.info(`http://127.0.0.1:${port}/`);
});
