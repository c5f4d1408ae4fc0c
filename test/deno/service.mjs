// A service behind Deno's own server. Run by Deno; prints what it answers.
import { createService } from "../../dist/src/service/index.js";

const [flags, requests] = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
const service = createService({ flags });
await service.start();
const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
const server = Deno.serve(options, (request) => service.fetch(request));
const url = `http://127.0.0.1:${server.addr.port}`;

const answers = [];
for (const [path, init] of requests) {
  const response = await fetch(url + path, init);
  const etag = response.headers.get("etag");
  answers.push({ status: response.status, etag, body: await response.text() });
}
const stream = await fetch(`${url}/sdk/stream/v1/flags`);
const reader = stream.body.getReader();
const first = new TextDecoder().decode((await reader.read()).value);
await reader.cancel();
console.log(JSON.stringify({ answers, first }));
await service.stop();
await server.shutdown();
