// Run by workerd. Its clock stands still while a request is answered: the caller measures.
import { conform, start } from "./conformance.mjs";

const load = () => import("halyard/engine");

export default {
  async fetch(request) {
    const samples = await request.json();
    const task = new URL(request.url).searchParams.get("task");
    if (task === "nothing") return Response.json({});
    if (task === "start") return Response.json(await start(load, samples));
    return Response.json(await conform((await load()).Engine, samples));
  },
};
