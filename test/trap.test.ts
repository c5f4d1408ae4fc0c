import { Engine, type EvaluationFlag } from "halyard/engine";
import { expect, test, vi } from "vitest";
import type { Attachment as AttachmentType } from "../src/engine/attachment.ts";

// The very class that the built package uses: a path that tsc must not take for a source.
const path: string = new URL("../dist/src/engine/attachment.js", import.meta.url).href;
const { Attachment } = (await import(path)) as { Attachment: typeof AttachmentType };

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

type Instance = AttachmentType["instance"];

/** The instances that have been used, in the order in which they were made. */
const instances: Instance[] = [];
const { take } = Attachment.prototype;
Attachment.prototype.take = function (this: AttachmentType) {
  if (!instances.includes(this.instance)) instances.push(this.instance);
  return take.call(this);
};

/** Every pointer of image and session now lies outside the memory: the next call traps. */
function ruin({ memory }: Instance): void {
  memory.views.u32.fill(0x7fffffff);
}

const pro = { user: { plan: "pro" } };
const free = { user: { plan: "free" } };
const calls: [string, (engine: Engine) => unknown][] = [
  ["evaluate", (engine) => engine.evaluate(pro).flag.key],
  ["evaluate of keys", (engine) => engine.evaluate(pro, ["flag"]).flag.key],
  ["evaluateAll", (engine) => engine.evaluateAll(pro).get("flag")?.key],
  ["variant", (engine) => engine.variant(pro, "flag")?.key],
  ["explain", (engine) => engine.explain(pro, "flag")?.variant?.key],
  ["pin", (engine) => engine.pin(pro).variant("flag")?.key],
];

test.each(calls)("a trap in %s replaces the instance and the call still answers", (_, call) => {
  const engine = Engine.loadSync([flag]);
  expect(call(engine)).toBe("on");
  const { digest } = engine;
  const before = instances.length;
  ruin(instances[before - 1]);
  expect(call(engine)).toBe("on");
  expect(engine.evaluate(free)).toEqual({});
  expect(instances.length).toBe(before + 1);
  expect(engine.digest).toBe(digest);
  expect(engine.variant(pro, "flag")?.key).toBe("on");
});

test("a trap in a pinned user's explain replaces the instance", () => {
  const user = Engine.loadSync([flag]).pin(pro);
  const before = instances.length;
  ruin(instances[before - 1]);
  expect(user.explain("flag")?.variant?.key).toBe("on");
  expect(user.explain("flag")?.segments[0].matched).toBe(true);
  expect(instances.length).toBe(before + 1);
});

test("a trap among many users is no trap for the next ones", async () => {
  const engine = Engine.loadSync([flag]);
  const users = [pro, free, pro, free, pro];
  let before = 0;
  const get = (row: number) => {
    // Read again after the trap.
    if (row === 2 && instances.length === before) ruin(instances[before - 1]);
    return users[row].user;
  };
  const columns = { user: { length: users.length, get } };
  function* source(): Iterable<typeof pro> {
    for (const [i, user] of users.entries()) {
      if (i === 2) ruin(instances[instances.length - 1]);
      yield user;
    }
  }
  async function* stream(): AsyncIterable<typeof pro> {
    yield* source();
  }
  const retry = vi.spyOn(Attachment.prototype, "replace");
  const asks = [
    () => engine.evaluateMany(source()),
    () => engine.evaluateMany(stream()),
    () => engine.evaluateMany(source(), ["flag"]),
    () => engine.evaluateMany(columns),
  ];
  for (const ask of asks) {
    engine.evaluate(pro);
    before = instances.length;
    retry.mockClear();
    const many = await ask();
    expect([...many.outcomes]).toEqual([1, 0, 1, 0, 1]);
    expect(instances.length).toBe(before + 1);
    // What has trapped is not used again.
    expect(retry).toHaveBeenCalledTimes(1);
  }
});
