// A thread that evaluates on the engine of another one. Run by Deno.
import { Engine } from "../../dist/src/engine/index.js";

let engine;

self.addEventListener("message", ({ data }) => {
  if (data.handle) engine = Engine.attach(data.handle);
  if (data.close) {
    self.close();
    return;
  }
  const answers = (data.users ?? []).map((user) => engine.evaluate({ user }));
  const { digest, backend, shared, flagKeys } = engine;
  self.postMessage({ answers, digest, backend, shared, flagKeys });
});
