// The worked example of docs/abi.md is what the engine and the core make of it. After a change of
// the layout, `npx vitest run test/abi-example.test.ts -u` writes it anew.
import { readFileSync } from "node:fs";
import { Engine } from "halyard/engine";
import { expect, test } from "vitest";
import { dumpImage, dumpSession } from "./abi-example.ts";
import { flagOf, on } from "./agree.ts";
import { ForeignHost, IMAGE, ROOT } from "./foreign-host.ts";

const path = new URL("../docs/abi.md", import.meta.url);
const flags = [flagOf("f", [{ conditions: [[on("plan", "is", "pro")]], variant: "on" }])];
const user = { plan: "pro" };

function blockOf(name: string, text: string): [RegExp, string] {
  const mark = `<!-- ${name} -->`;
  return [new RegExp(`${mark}\n\`\`\`[^]*?\`\`\``), `${mark}\n\`\`\`\n${text}\n\`\`\``];
}

test("the worked example is what happens", async () => {
  const image = Engine.loadSync(flags).toImage();
  const module = new WebAssembly.Module(
    readFileSync(new URL("../dist/core.wasm", import.meta.url)),
  );
  const host = new ForeignHost(module, image);
  host.begin({ user });
  const { variant } = host.variant("f");
  expect(variant).toBe("on");
  const bytes = new Uint8Array(host.memory.buffer, host.session, host.heapTop);
  const name = (at: number) =>
    at === IMAGE ? "image" : at === ROOT ? "root" : at === host.session ? "session" : `${at}`;
  const calls = host.steps.flatMap((step) =>
    step.kind === "call"
      ? [
          `${step.name}(${step.args.map(name).join(", ")}) = ${step.result ?? ""}`.replace(
            / = $/,
            "",
          ),
        ]
      : [],
  );
  const page = readFileSync(path, "utf8");
  const made = [
    blockOf("calls", calls.join("\n")),
    blockOf("image", dumpImage(image)),
    blockOf("session", dumpSession(bytes, host.texts)),
  ].reduce((text, [block, content]) => {
    expect(text).toMatch(block);
    return text.replace(block, () => content);
  }, page);
  await expect(made).toMatchFileSnapshot(path.pathname);
});
