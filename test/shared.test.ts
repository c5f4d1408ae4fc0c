// Engines on one memory, in this thread; test/stress.test.ts has those of other threads.
import { spawnSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { Engine, type EngineHandle, type EvaluationContext } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { flagOf, on } from "./agree.ts";

const plan = (value: string) =>
  flagOf("plan", [{ conditions: [[on("plan", "regex match", value)]], variant: "on" }]);
const flags = [plan("^pro"), flagOf("all", [{ variant: "on" }])];
const pro: EvaluationContext = { user: { user_id: "u1", plan: "pro" } };
const page = 65536;

function shared(): Engine {
  return Engine.loadSync(flags, { shared: true });
}

describe("a handle", () => {
  test("is a memory and a module, and can be cloned", () => {
    const engine = shared();
    const handle = engine.handle();
    expect(Object.keys(handle).sort()).toEqual(["memory", "module"]);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(handle);
    const { message } = receiveMessageOnPort(port2) as { message: EngineHandle };
    port1.close();
    const attached = Engine.attach(message);
    expect(attached.shared).toBe(true);
    expect(attached.backend).toBe(engine.backend);
    expect(attached.digest).toBe(engine.digest);
    expect(attached.variant(pro, "plan")?.key).toBe("on");
  });

  test("of an attached engine is as good", () => {
    const engine = shared();
    const second = Engine.attach(Engine.attach(engine.handle()).handle());
    engine.update([plan("^free")]);
    expect(second.evaluate(pro)).toEqual({});
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["an object", {}],
    ["another memory", { ...shared().handle(), memory: new WebAssembly.Memory({ initial: 2 }) }],
    [
      "a memory too small",
      { ...shared().handle(), memory: new WebAssembly.Memory({ initial: 1 }) },
    ],
  ])("is not %s", (_, handle) => {
    expect(() => Engine.attach(handle as unknown as EngineHandle)).toThrow(
      expect.objectContaining({ name: "CoreError", code: "not-shared" }),
    );
  });

  test("of another layout is refused", () => {
    const { memory, module } = shared().handle();
    new Uint32Array(memory.buffer)[(1024 + 4) / 4] = 99;
    expect(() => Engine.attach({ memory, module })).toThrow("expected layout");
  });
});

describe("private memory", () => {
  test.each([
    ["by default", {}],
    ["for the JavaScript build", { shared: true, backend: "js" }],
  ] as const)("%s: there is no handle", (_, options) => {
    const engine = Engine.loadSync(flags, options);
    expect(engine.shared).toBe(false);
    expect(engine.variant(pro, "plan")?.key).toBe("on");
    expect(() => engine.handle()).toThrow(expect.objectContaining({ code: "not-shared" }));
  });

  test.each(["crossOriginIsolated = false", "SharedArrayBuffer = undefined"])(
    "where %s",
    (statement) => {
      const url = new URL("../dist/src/engine/index.js", import.meta.url).href;
      const script = `globalThis.${statement};
        const { Engine } = await import("${url}");
        const engine = await Engine.load(${JSON.stringify(flags)}, { shared: true });
        engine.setCohort("c", "User", ["u1"]);
        console.log(engine.shared, engine.variant(${JSON.stringify(pro)}, "plan")?.key);`;
      const args = ["--input-type=module", "-e", script];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(stderr).toBe("");
      expect(stdout).toBe("false on\n");
    },
  );
});

describe("an attached engine", () => {
  test("sees each update, and no change of its own is possible", () => {
    const engine = shared();
    const attached = Engine.attach(engine.handle());
    expect(Object.keys(attached.evaluate(pro))).toEqual(["plan", "all"]);
    engine.update([plan("^free")]);
    expect(attached.flagKeys).toEqual(["plan"]);
    expect(attached.digest).toBe(engine.digest);
    expect(attached.toImage()).toEqual(engine.toImage());
    expect(attached.evaluate(pro)).toEqual({});
    const owned = expect.objectContaining({ name: "CoreError", code: "not-owner" });
    expect(() => attached.update(flags)).toThrow(owned);
    expect(() => attached.setCohort("c", "User", [])).toThrow(owned);
    expect(() => attached.removeCohort("c")).toThrow(owned);
  });

  test("keeps what it has handed out, whatever becomes of the memory", () => {
    const engine = shared();
    const attached = Engine.attach(engine.handle());
    const [view, pinned] = [attached.evaluateAll(pro), attached.pin(pro)];
    const many = attached.evaluateMany([pro]);
    for (let i = 0; i < 50; i++) {
      engine.update(
        Array.from({ length: 40 }, (_, n) => flagOf(`f${n}-${i}`, [{ variant: "off" }])),
      );
      expect(attached.variant(pro, `f7-${i}`)?.key).toBe("off");
    }
    expect([...view.keys()]).toEqual(["plan", "all"]);
    expect(view.get("plan")?.key).toBe("on");
    expect(pinned.variant("all")?.key).toBe("on");
    expect(pinned.explain("plan")?.segments[0].conditions?.[0][0]).toMatchObject({
      op: "regex match",
      value: "pro",
      matched: true,
    });
    expect(pinned.explain("plan")?.variant).toBe(pinned.variant("plan"));
    expect(many.at(0, "plan")?.key).toBe("on");
  });

  test("finishes an evaluation in which the config is replaced, by one of the two", () => {
    const engine = shared();
    const attached = Engine.attach(engine.handle());
    let count = 0;
    const context = {
      user: {
        get plan() {
          engine.update([plan(`^${++count % 2 ? "free" : "pro"}`), flagOf("more", [])]);
          attached.evaluateAll(pro);
          return "pro";
        },
      },
    };
    for (let i = 0; i < 20; i++) {
      expect([undefined, "on"]).toContain(attached.variant(context, "plan")?.key);
    }
    expect(attached.digest).toBe(engine.digest);
  });

  test("answers a stream by the config at its beginning", async () => {
    const engine = shared();
    const attached = Engine.attach(engine.handle());
    async function* users() {
      for (let i = 0; i < 20; i++) {
        yield pro;
        engine.update([plan(`^free${i}`)]);
        expect(attached.evaluate(pro)).toEqual({});
      }
    }
    const many = await attached.evaluateMany(users());
    expect(many.outcomes).toEqual(new Uint16Array(40).fill(1));
    expect(many.at(19, "all")?.key).toBe("on");
  });

  test("that is disposed of leaves its memory to the next, and may be used again", () => {
    const engine = shared();
    const handle = engine.handle();
    const first = Engine.attach(handle);
    const view = first.evaluateAll(pro);
    first[Symbol.dispose]();
    const { memoryBytes } = engine;
    for (let i = 0; i < 1500; i++) {
      const attached = Engine.attach(handle);
      expect(attached.variant(pro, "all")?.key).toBe("on");
      attached[Symbol.dispose]();
    }
    expect(engine.memoryBytes).toBe(memoryBytes);
    engine.update([plan("^free")]);
    expect(view.get("plan")?.key).toBe("on");
    expect(first.evaluate(pro)).toEqual({});
  });

  test("that is forgotten leaves its memory, too", { timeout: 60_000 }, async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const engine = shared();
    const before = engine.memoryBytes;
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 20; i++) Engine.attach(engine.handle()).evaluate(pro);
      collect();
      await setTimeout(1);
    }
    // Of 600 attached engines never more than some rounds' at a time.
    expect(engine.memoryBytes - before).toBeLessThan(200 * page);
  });

  test("more than there are seats for are refused", () => {
    const engine = shared();
    const handle = engine.handle();
    const all: Engine[] = [];
    const attachAll = () => {
      for (let i = 0; i < 1001; i++) {
        const attached = Engine.attach(handle);
        attached.evaluate(pro);
        all.push(attached);
      }
    };
    expect(attachAll).toThrow(expect.objectContaining({ name: "CoreError", code: "no-seat" }));
    expect(all.length).toBeGreaterThan(900);
    expect(all[0].variant(pro, "plan")?.key).toBe("on");
    all[1][Symbol.dispose]();
    expect(Engine.attach(handle).variant(pro, "plan")?.key).toBe("on");
  });
});

describe("seats", () => {
  test("of one thread's are good for another that has not seen the memory grow", () => {
    const engine = shared();
    const handle = engine.handle();
    const [late, early] = [Engine.attach(handle), Engine.attach(handle)];
    expect(early.variant(pro, "all")?.key).toBe("on");
    early[Symbol.dispose]();
    expect(late.variant(pro, "all")?.key).toBe("on");
    late[Symbol.dispose]();
    expect(engine.variant(pro, "all")?.key).toBe("on");
    expect(Object.keys(engine.evaluate(pro))).toEqual(["plan", "all"]);
  });

  test("in use when an engine is disposed of are left when it is done", async () => {
    const engine = shared();
    const handle = engine.handle();
    const seats = new Uint32Array(handle.memory.buffer, 1024 + 12, 1);
    const attached = Engine.attach(handle);
    const disposing = {
      user: {
        get plan() {
          attached[Symbol.dispose]();
          return "pro";
        },
      },
    };
    async function* users() {
      yield disposing;
      yield pro;
    }
    for (let i = 0; i < 50; i++) {
      expect(attached.variant(disposing, "plan")?.key).toBe("on");
      const many = await attached.evaluateMany(users());
      expect(many.at(1, "plan")?.key).toBe("on");
    }
    expect(seats[0]).toBeLessThan(5);
  });

  test("that keep an older root keep it through a trap of another evaluation", async () => {
    const engine = Engine.loadSync(flags);
    async function* users() {
      yield pro;
      engine.update([plan("^free")]);
      const trapping = {
        user: {
          get plan() {
            throw new WebAssembly.RuntimeError("as if the core had trapped");
          },
        },
      };
      expect(() => engine.variant(trapping, "plan")).toThrow("trapped twice");
      for (let i = 0; i < 5; i++) engine.update([plan(`^free${i}`), flagOf(`f${i}`, [])]);
      yield pro;
    }
    await expect(engine.evaluateMany(users())).resolves.toMatchObject({ userCount: 2 });
  });
});

test("a module for another kind of memory is refused", () => {
  const { module, memory } = shared().handle();
  const wrong = expect.objectContaining({ name: "CoreError", code: "wrong-module" });
  expect(() => Engine.loadSync(flags, { module })).toThrow(wrong);
  expect(Engine.loadSync(flags, { module, shared: true }).evaluate(pro)).toHaveProperty("all");
  const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  const attached = () => Engine.attach({ memory, module: empty });
  expect(attached).toThrow(wrong);
});
