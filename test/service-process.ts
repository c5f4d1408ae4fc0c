// A service in a process of its own, so that its memory is its own, too. Its parent is told the
// address, and asks how much it uses.
import { readFileSync } from "node:fs";
import { serve } from "../src/service/node/serve.ts";
import type { ServeOptions } from "../src/service/node/serve-options.ts";

/** What the process is started with: options as JSON, and the path of a file of flags. */
export interface ServiceProcessOptions extends Omit<ServeOptions, "flags"> {
  flagsFile: string;
}

const { flagsFile, ...options } = JSON.parse(process.argv[2]) as ServiceProcessOptions;
const flags = JSON.parse(readFileSync(flagsFile, "utf8"));
const serving = await serve({ port: 0, logLevel: "silent", ...options, flags });

process.on("message", (message) => {
  if (message === "memory") {
    globalThis.gc?.();
    process.send?.({ memory: process.memoryUsage().rss });
  } else if (message === "stop") {
    void serving.stop().then(() => process.exit(0));
  }
});
process.once("disconnect", () => process.exit());
process.send?.({ url: serving.url });
