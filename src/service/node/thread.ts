// A thread that serves: HTTP, and evaluation on the memory of the thread that began it.

import { parentPort, workerData } from "node:worker_threads";
import { Deployment } from "../deployment.ts";
import { Deployments } from "../deployments.ts";
import { GuestSource } from "../guest-source.ts";
import { KeyRing } from "../key-ring.ts";
import { LimitDefaults } from "../limits.ts";
import { Service } from "../service.ts";
import { trackerOf } from "../sources.ts";
import { HttpServer } from "./http-server.ts";
import { makeLog } from "./log.ts";
import type {
  FromThread,
  ThreadData,
  ThreadDeployment,
  ThreadMetrics,
  ToThread,
} from "./messages.ts";

const port = parentPort!;
const data = workerData as ThreadData;
const log = makeLog(data.logLevel);
const tell = (message: FromThread) => port.postMessage(message);

/** Questions for the metrics of all threads, which only the first thread has. */
const questions = new Map<number, (text: string) => void>();
let questionCount = 0;

function metricsText(): Promise<string> {
  return new Promise((resolve) => {
    const id = questionCount++;
    questions.set(id, resolve);
    tell({ kind: "measure", id });
  });
}

function deploymentOf(options: ThreadDeployment): [Deployment, GuestSource] {
  const { name, keys, cohortKeys, handle, publication } = options;
  const source = new GuestSource(handle, publication);
  const tracker = trackerOf(name, options, { log });
  return [new Deployment({ name, source, keys: new KeyRing(keys, cohortKeys), tracker }), source];
}

async function run(): Promise<void> {
  const pairs = data.deployments.map(deploymentOf);
  const deployments = new Deployments(pairs.map(([deployment]) => deployment));
  const { limits, ui, streamKeepAliveMillis } = data;
  const service = new Service({ deployments, limits, ui, streamKeepAliveMillis, log, metricsText });
  let server: HttpServer | undefined;
  port.on("message", (message: ToThread) => {
    if (message.kind === "publication") pairs[message.deployment][1].receive(message.publication);
    else if (message.kind === "measure") void measure(service, message.id);
    else if (message.kind === "measured") questions.get(message.id)?.(message.text);
    else void close(service, server, message.graceMillis);
    if (message.kind === "measured") questions.delete(message.id);
  });
  await service.start();
  const options = { fetch: service.fetch, limits: { ...LimitDefaults, ...limits } };
  server = await HttpServer.listen(options, data.place);
  tell({ kind: "listening", port: server.port, fd: server.fd });
}

async function measure(service: Service, id: number): Promise<void> {
  const metrics = (await service.metrics.registry.getMetricsAsJSON()) as ThreadMetrics;
  tell({ kind: "measured", id, metrics });
}

async function close(service: Service, server: HttpServer | undefined, graceMillis: number) {
  service.close();
  await server?.close(graceMillis);
  await service.stop();
  tell({ kind: "closed" });
}

run().catch((error: NodeJS.ErrnoException) => {
  tell({ kind: "failed", code: error.code, message: error.message });
});
