// Cohorts in memory: what one takes, and that replacing it, or failing to, leaves nothing behind.
import { Engine, type EvaluationFlag } from "halyard/engine";
import { describe, expect, test } from "vitest";
import { flagOf, idsOf, isIn, isOn, streamOf } from "./cohort-fixture.ts";

const flag = flagOf("flag", ["c"]);
/** What grows with neither size nor number: a batch of members, what is added at once, spare. */
const CONSTANT = 256 * 1024;

function uuids(count: number): string[] {
  const idOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
  return Array.from({ length: count }, (_, index) => idOf(index));
}

test("a member takes at most 24 bytes, in all", async () => {
  const ids = uuids(100_000);
  for (const source of [ids, new Set(ids), ids.values(), streamOf(ids)]) {
    const engine = Engine.loadSync([flag]);
    const { bytes, size } = await engine.setCohort("c", "User", source as Iterable<string>);
    expect(size).toBe(100_000);
    expect(bytes).toBeLessThanOrEqual(24 * size);
    expect(bytes).toBeGreaterThanOrEqual(12 * size);
    const { memoryBytes } = engine;
    expect(isIn(engine, ["nobody"])).toEqual([false]);
    expect(engine.memoryBytes).toBe(memoryBytes);
  }
});

describe("1,000 replacements of a cohort of 20,000 members", () => {
  const ids = uuids(22_000);
  const ROUNDS = 1_000;
  /** 20,000 members, give or take a tenth; in every second version "u" is one. */
  const membersOf = (round: number) => {
    const members = ids.slice(0, 18_000 + ((round * 379) % 4_001));
    members[0] = round % 2 ? "u" : "v";
    return members;
  };

  function expectBounded(engine: Engine, before: number, cohorts = 2.2): void {
    const [{ bytes }] = engine.cohorts;
    expect(engine.memoryBytes - before).toBeLessThanOrEqual(cohorts * bytes + CONSTANT);
  }

  test("from arrays", () => {
    const engine = Engine.loadSync([flag]);
    const before = engine.memoryBytes;
    for (let round = 0; round < ROUNDS; round++) {
      engine.setCohort("c", "User", membersOf(round));
      if (isOn(engine, "u") !== (round % 2 === 1)) throw new Error(`round ${round}`);
    }
    expectBounded(engine, before);
  });

  test("from generators and streams", async () => {
    const engine = Engine.loadSync([flag]);
    const before = engine.memoryBytes;
    for (let round = 0; round < ROUNDS; round++) {
      const members = membersOf(round);
      const isStream = round % 4 === 0;
      await engine.setCohort(
        "c",
        "User",
        (isStream ? streamOf(members) : members.values()) as Iterable<string>,
      );
      if (isOn(engine, "u") !== (round % 2 === 1)) throw new Error(`round ${round}`);
    }
    // How many will come is not known: there is room for half as many again.
    expectBounded(engine, before, 2.8);
  });

  test("with an attached engine that does nothing, and one that evaluates", () => {
    const engine = Engine.loadSync([flag], { shared: true });
    const idle = Engine.attach(engine.handle());
    const busy = Engine.attach(engine.handle());
    engine.setCohort("c", "User", membersOf(0));
    expect([idle, busy].map((guest) => isOn(guest, "v"))).toEqual([true, true]);
    const { memoryBytes } = engine;
    const before = memoryBytes - engine.cohorts[0].bytes;
    for (let round = 0; round < ROUNDS; round++) {
      engine.setCohort("c", "User", membersOf(round));
      if (isOn(busy, "u") !== (round % 2 === 1)) throw new Error(`round ${round}`);
    }
    expectBounded(engine, before);
    expect(isOn(idle, "v")).toBe(false);
  });

  test("with answers kept from before", async () => {
    const engine = Engine.loadSync([flag]);
    engine.setCohort("c", "User", ["u"]);
    const context = { user: { user_id: "u" } };
    const pinned = engine.pin(context);
    const view = engine.evaluateAll(context);
    const outcomes = engine.evaluateMany([context, {}]);
    const before = engine.memoryBytes;
    const expectKept = () => {
      expect(pinned.variant("flag")?.key).toBe("on");
      expect(pinned.explain("flag")?.segments[0].conditions?.[0][0].value).toEqual(["c"]);
      expect([view.size, view.get("flag")?.key]).toEqual([1, "on"]);
      expect([0, 1].map((row) => outcomes.at(row, "flag")?.key)).toEqual(["on", undefined]);
    };
    for (let round = 0; round < ROUNDS; round++) {
      engine.setCohort("c", "User", membersOf(round));
      if (round % 50 === 0) engine.update(round % 100 ? [flag] : [flagOf("other", ["c"]), flag]);
      if (round % 50 === 10) expectKept();
    }
    expectBounded(engine, before);
    expectKept();
  });

  test("while a batch is under way", async () => {
    const engine = Engine.loadSync([flag], { shared: true });
    const guest = Engine.attach(engine.handle());
    const before = engine.memoryBytes;
    engine.setCohort("c", "User", membersOf(1));
    async function* users() {
      for (let round = 2; round < 302; round++) {
        yield { user: { user_id: round % 3 ? "u" : "v" } };
        engine.setCohort("c", "User", membersOf(round));
      }
    }
    for (const reader of [engine, guest]) {
      engine.setCohort("c", "User", membersOf(1));
      const many = await reader.evaluateMany(users());
      const keys = Array.from({ length: 300 }, (_, row) => many.at(row, "flag")?.key);
      expect(keys).toEqual(keys.map((_, row) => ((row + 2) % 3 ? "on" : undefined)));
    }
    const [{ bytes }] = engine.cohorts;
    // One more: the version that the batch reads.
    expect(engine.memoryBytes - before).toBeLessThanOrEqual(3.3 * bytes + CONSTANT);
  });
});

class Broken extends Error {}

function* failing(count: number): Iterable<string> {
  yield* idsOf(count);
  throw new Broken();
}

const broken = () => {
  throw new Broken();
};

const failures: [string, (engine: Engine) => unknown][] = [
  ...[0, 1, 5, 30_000].map((count): [string, (engine: Engine) => unknown] => [
    `a generator that throws behind ${count}`,
    (engine) => engine.setCohort("c", "User", failing(count)),
  ]),
  ["a stream that rejects", (engine) => engine.setCohort("c", "User", streamOf(failing(30_000)))],
  [
    "a stream that rejects at once",
    (engine) => engine.setCohort("c", "User", streamOf(failing(0))),
  ],
  [
    "a member that is no text",
    (engine) => engine.setCohort("c", "User", [...idsOf(20_000), 5 as unknown as string]),
  ],
  [
    "a long member in front of one that is none",
    (engine) => engine.setCohort("c", "User", ["x".repeat(100_000), 5 as unknown as string]),
  ],
  [
    "an iterator that cannot be had",
    (engine) => engine.setCohort("c", "User", { [Symbol.iterator]: broken }),
  ],
  [
    "an async iterator that cannot be had",
    (engine) => engine.setCohort("c", "User", { [Symbol.asyncIterator]: broken }),
  ],
  [
    "onProgress that throws",
    (engine) => engine.setCohort("c", "User", idsOf(3), { onProgress: broken }),
  ],
  [
    "onProgress that throws in a stream",
    (engine) => engine.setCohort("c", "User", streamOf(idsOf(3)), { onProgress: broken }),
  ],
  [
    "a Set whose size is no number",
    (engine) => {
      const members = Object.defineProperty(new Set(["a"]), "size", { value: Number.NaN });
      return engine.setCohort("c", "User", members).size === 1 ? broken() : undefined;
    },
  ],
];

test.each(failures)("200 times %s: the old cohort stays, and memory as it was", async (_, fail) => {
  const engine = Engine.loadSync([flag]);
  engine.setCohort("c", "User", ["old", "a"]);
  const attempt = () => Promise.resolve().then(() => fail(engine));
  await expect(attempt()).rejects.toThrow();
  const { memoryBytes, cohorts } = engine;
  for (let round = 0; round < 200; round++) {
    const error = await attempt().catch((thrown: unknown) => thrown);
    if (!(error instanceof Error)) throw new Error(`round ${round}: got ${error}`);
  }
  expect(engine.memoryBytes).toBe(memoryBytes);
  expect(engine.cohorts.length).toBe(cohorts.length);
  expect(isIn(engine, ["old", "id 0"])).toEqual([cohorts[0].size === 2, false]);
});

test("a generator that is not read to its end is closed", () => {
  const engine = Engine.loadSync([flag]);
  let isClosed = false;
  function* members(): Iterable<string> {
    try {
      yield "a";
      yield 5 as unknown as string;
      yield "b";
    } finally {
      isClosed = true;
    }
  }
  expect(() => engine.setCohort("c", "User", members())).toThrow("memberIds[1]");
  expect(isClosed).toBe(true);
});

test("1,000 cohorts that come and go leave memory as it was", () => {
  const engine = Engine.loadSync([flag]);
  const flags: EvaluationFlag[][] = [[flag], [flag, flagOf("g", ["d"], "org")]];
  const run = (round: number) => {
    for (const cohortId of ["c", "d", "e"]) {
      engine.setCohort(cohortId, round % 2 ? "User" : "org", idsOf(1 + ((round * 37) % 2_000)));
    }
    if (round % 10 === 0) engine.update(flags[(round / 10) % 2]);
    isOn(engine, "id 0");
    for (const cohortId of ["d", "c", "e"]) engine.removeCohort(cohortId);
  };
  for (let round = 0; round < 200; round++) run(round);
  const { memoryBytes } = engine;
  for (let round = 0; round < 1_000; round++) run(round);
  // Free room may come to lie otherwise, but does not get lost.
  expect(engine.memoryBytes - memoryBytes).toBeLessThanOrEqual(2 * 65536);
});
