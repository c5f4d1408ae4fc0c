// The owner of an engine, and threads attached to it. Run by Deno; prints what they saw.
import { Engine } from "../../dist/src/engine/index.js";

const [flags, users] = JSON.parse(Deno.readTextFileSync(Deno.args[0]));

function ask(worker, message) {
  return new Promise((done, fail) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message: text }) => fail(new Error(text));
    worker.postMessage(message);
  });
}

const engine = await Engine.load(flags[0], { shared: true });
const { backend, shared } = engine;
const make = () => new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
const workers = [make(), make()];
const handle = engine.handle();
const seen = { backend, shared, rounds: [] };
const round = async (message) =>
  seen.rounds.push(await Promise.all(workers.map((worker) => ask(worker, { ...message, users }))));

await round({ handle });
engine.setCohort("c1", "User", ["u1", "é", `long-${"x".repeat(1000)}`]);
await round({});
engine.update(flags[1]);
await round({});
engine.removeCohort("c1");
await round({});

// One that has ended gives its seat, and what it held, to the next.
const { memoryBytes } = engine;
for (let i = 0; i < 10; i++) {
  const next = make();
  await ask(next, { handle, users });
  next.postMessage({ close: true });
  // Until it has: others find that out by asking.
  await new Promise((done) => setTimeout(done, 100));
}
seen.growth = engine.memoryBytes - memoryBytes;
console.log(JSON.stringify(seen));
Deno.exit(0);
