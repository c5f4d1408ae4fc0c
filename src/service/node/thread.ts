// A thread that serves: HTTP, and evaluation on the memory of the thread that began it.

import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../../sdk/log.ts";
import { Deployment } from "../deployment.ts";
import { Deployments } from "../deployments.ts";
import { GuestSource } from "../guest-source.ts";
import { KeyRing } from "../key-ring.ts";
import { trackerOf } from "../request-tracker.ts";
import { Service } from "../service.ts";
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
const questions = new Map<number, (text: string | undefined) => void>();
let questionCount = 0;

async function metricsText(): Promise<string> {
  const id = questionCount++;
  const text = await new Promise<string | undefined>((resolve) => {
    questions.set(id, resolve);
    tell({ kind: "measure", id });
  });
  questions.delete(id);
  if (text === undefined) throw new Error("the metrics of all threads could not be had");
  return text;
}

function deploymentOf(options: ThreadDeployment): [Deployment, GuestSource] {
  const { name, handle, news } = options;
  const source = new GuestSource(handle, news);
  const tracker = trackerOf(name, options, { log });
  return [new Deployment({ name, source, keys: new KeyRing(options), tracker }), source];
}

async function run(): Promise<void> {
  const pairs = data.deployments.map(deploymentOf);
  const deployments = new Deployments(pairs.map(([deployment]) => deployment));
  const { limits, ui, streamKeepAliveMillis } = data;
  const service = new Service({ deployments, limits, ui, streamKeepAliveMillis, log, metricsText });
  let server: HttpServer | undefined;
  port.on("message", (message: ToThread) => {
    if (message.kind === "news") pairs[message.deployment][1].receive(message.news);
    else if (message.kind === "measure") void measure(service, message.id);
    else if (message.kind === "measured") questions.get(message.id)?.(message.text);
    else void close(service, server, message.graceMillis);
  });
  await service.start();
  server = await HttpServer.listen(service, data.place);
  tell({ kind: "listening", port: server.port, fd: server.fd });
}

async function measure(service: Service, id: number): Promise<void> {
  try {
    const metrics = (await service.metrics.registry.getMetricsAsJSON()) as ThreadMetrics;
    tell({ kind: "measured", id, metrics });
  } catch (error) {
    log.error({ reason: reasonOf(error) }, "the metrics of a thread could not be had");
    tell({ kind: "measured", id, metrics: [] });
  }
}

async function close(service: Service, server: HttpServer | undefined, graceMillis: number) {
  service.close();
  await server?.drain(graceMillis);
  await service.stop();
  tell({ kind: "closed" });
  standStill();
}

/** Until it is terminated: then the socket is closed, and nobody may be watching it. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0);
}

function fail(error: unknown): void {
  const { code, message = String(error) } = (error ?? {}) as NodeJS.ErrnoException;
  tell({ kind: "failed", code, message });
}

// The thread goes on until it is told to end: without its socket the others would be lost, too.
process.on("uncaughtException", fail);
run().catch(fail);
