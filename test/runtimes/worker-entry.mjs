// Run by workerd. Its clock stands still while a request is answered: the caller measures.
import { conform, start } from "./conformance.mjs";

// What it stands for is said where it is bundled.
const load = () => import(ENGINE);

export default {
  async fetch(request) {
    const samples = await request.json();
    const task = new URL(request.url).searchParams.get("task");
    if (task === "nothing") return Response.json({});
    if (task === "start") return Response.json(await start(load, samples));
    return Response.json(await conform(load, samples));
  },
};
