// The core's builds. That they answer alike is shown by cases.test.ts and differential.test.ts.
import { readFileSync } from "node:fs";
import { type Backend, Engine, type EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";

const flag: EvaluationFlag = {
  key: "flag",
  variants: { on: { key: "on" } },
  segments: [
    {
      conditions: [[{ selector: ["context", "user", "plan"], op: "contains", values: ["pro"] }]],
      variant: "on",
    },
  ],
};
const BACKENDS: Backend[] = ["wasm-simd", "wasm", "js"];

describe.each(BACKENDS)("%s", (backend) => {
  const engine = Engine.loadSync([flag], { backend });

  test("is what the engine says it runs, also after an update", () => {
    expect(engine.backend).toBe(backend);
    engine.update([flag]);
    expect(engine.backend).toBe(backend);
  });

  test("reads on after its memory has grown", () => {
    const before = engine.memoryBytes;
    const plan = `${"x".repeat(3_000_000)}pro`;
    expect(engine.variant({ user: { plan } }, "flag")?.key).toBe("on");
    expect(engine.memoryBytes).toBeGreaterThan(before + plan.length);
    expect(engine.evaluate({ user: { plan: "free" } })).toEqual({});
  });

  test("shares no memory with another engine of its build", () => {
    const other = Engine.loadSync([{ ...flag, key: "other" }], { backend });
    expect(other.variant({ user: { plan: "pro" } }, "other")?.key).toBe("on");
    expect(engine.variant({ user: { plan: "pro" } }, "other")).toBeUndefined();
    expect(engine.variant({ user: { plan: "pro" } }, "flag")?.key).toBe("on");
  });

  test("makes and takes the same image as the others", () => {
    const image = engine.toImage();
    for (const each of BACKENDS) {
      const other = Engine.loadSync(image, { backend: each });
      expect(other.toImage()).toEqual(image);
      expect(other.variant({ user: { plan: "pro" } }, "flag")?.key).toBe("on");
    }
    image[image.length - 1] ^= 1;
    expect(() => Engine.loadSync(image, { backend })).toThrow("an intact image");
  });
});

test("by default the runtime's WebAssembly runs", () => {
  expect(Engine.loadSync([flag]).backend).toMatch(/^wasm/);
  expect(Engine.loadSync([flag], { simd: false }).backend).toBe("wasm");
});

test("the JavaScript build never names WebAssembly", () => {
  const text = readFileSync(new URL("../dist/core.js", import.meta.url), "utf8");
  expect(text).not.toContain("WebAssembly");
});
