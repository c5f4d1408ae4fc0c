import { Worker, isMainThread, workerData, parentPort } from "node:worker_threads";
if (isMainThread) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const v = new Int32Array(memory.buffer);
  const w = new Worker(new URL(import.meta.url), { workerData: memory });
  await new Promise((r) => w.once("message", r));
  memory.grow(1);
  const v2 = new Int32Array(memory.buffer);
  console.log("probe alive busy:", Atomics.notify(v2, 5, 1), Atomics.notify(v, 5, 1));
  await w.terminate();
  console.log("after terminate", Atomics.notify(v, 5, 1));
  // natural exit: does waitAsync keep the worker alive?
  const w2 = new Worker(`const {workerData,parentPort}=require("worker_threads");const v=new Int32Array(workerData.buffer);Atomics.waitAsync(v,6,0);parentPort.postMessage(1)`, { eval: true, workerData: memory });
  const t = Date.now();
  w2.once("exit", () => console.log("w2 exit", Date.now() - t, Atomics.notify(v, 6, 1)));
} else {
  const v = new Int32Array(workerData.buffer);
  for (let i = 0; i < 4; i++) Atomics.waitAsync(v, 5, 0);
  parentPort.postMessage("up");
  for (;;) Atomics.add(v, 9, 1);
}
