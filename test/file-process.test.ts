// A process that watches files of flags.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { versioned } from "./local-lanes.ts";
import { built, newFolder, put } from "./service-build.ts";

test("it ends while they are watched", async () => {
  const path = join(newFolder(), "flags.json");
  put(path, [versioned("v1")]);
  const script = `
    const { FileSource } = await import(${JSON.stringify(built("files/file-source"))});
    const source = new FileSource({ flags: ${JSON.stringify(path)} });
    await source.start();
    console.log(source.engine.flagKeys.join());`;
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  expect(stdout).toBe("flag\n");
});
