import { Engine, type EvaluationFlag } from "halyard/engine";
import { expect, test } from "vitest";
import type { Config as ConfigType } from "../src/engine/config.ts";

// The very class that the built package uses: a path that tsc must not take for a source.
const path: string = new URL("../dist/src/engine/config.js", import.meta.url).href;
const { Config } = (await import(path)) as { Config: typeof ConfigType };

const flag: EvaluationFlag = {
  key: "flag",
  variants: { on: { key: "on" } },
  segments: [
    {
      conditions: [[{ selector: ["context", "user", "plan"], op: "is", values: ["pro"] }]],
      variant: "on",
    },
  ],
};

type Watched = { views: { u32: Uint32Array }; memoryBytes: number };

/** The engine's instances in the order in which they were made. */
function watchInstances(): { instances: Watched[] } {
  const instances: Watched[] = [];
  const order = Object.getOwnPropertyDescriptor(Config.prototype, "order")!;
  Object.defineProperty(Config.prototype, "order", {
    configurable: true,
    get(this: ConfigType) {
      if (!instances.includes(this.instance)) instances.push(this.instance);
      return order.get!.call(this);
    },
  });
  return { instances };
}

test("a trap replaces the instance and the call still answers", () => {
  const { instances } = watchInstances();
  const engine = Engine.loadSync([flag]);
  const context = { user: { plan: "pro" } };
  expect(engine.evaluate(context).flag.key).toBe("on");
  const { digest } = engine;
  // Every pointer of image and session now lies outside the memory: the next call traps.
  instances[0].views.u32.fill(0x7fffffff);
  expect(engine.evaluate(context).flag.key).toBe("on");
  expect(engine.evaluate({ user: { plan: "free" } })).toEqual({});
  expect(instances.length).toBe(2);
  expect(engine.digest).toBe(digest);
  expect(engine.variant(context, "flag")?.key).toBe("on");
});
