// Sessions number their users; after half a billion of them the numbers begin again.
import { Engine, type EvaluationContext } from "halyard/engine";
import { expect, test } from "vitest";
import type { Config as ConfigType } from "../src/engine/config.ts";
import { bucketOf, flagOf, on } from "./agree.ts";
import { evaluateWithOracle } from "./oracle.ts";

// The very class that the built package uses: a path that tsc must not take for a source.
const path: string = new URL("../dist/src/engine/config.js", import.meta.url).href;
const { Config } = (await import(path)) as { Config: typeof ConfigType };
type Session = ReturnType<ConfigType["take"]>;

/** Epochs are multiples of 8 in 32 bits, see EPOCH_MAX in assembly/layout.ts. */
const EPOCHS = 2 ** 32 / 8 - 2;

test("users before and after the numbers begin again share nothing", () => {
  const sessions = new Set<Session>();
  const { take } = Config.prototype;
  Config.prototype.take = function (this: ConfigType) {
    const session = take.call(this);
    sessions.add(session);
    return session;
  };
  const flags = Array.from({ length: 12 }, (_, i) =>
    flagOf(`f${i}`, [
      { conditions: [[on(`p${i % 4}`, i % 2 ? "is" : "contains", "a")]], variant: "on" },
      { conditions: [[on("tags", "set contains any", "a")]], bucket: bucketOf(`s${i}`, "off", 50) },
      { conditions: [[{ selector: ["result", "f0", "key"], op: "is", values: ["on"] }]] },
    ]),
  );
  const engine = Engine.loadSync(flags);
  const user = (i: number): EvaluationContext => ({
    user: { id: `u${i}`, p0: "ab"[i % 2], p1: i % 3 ? "a" : null, tags: i % 5 ? ["a"] : "x" },
  });
  engine.evaluate(user(0));
  const [session] = sessions;
  for (let epoch = 1; epoch < EPOCHS - 20; epoch++) session.begin(undefined);
  for (let i = 0; i < 40; i++) {
    const expected = evaluateWithOracle(flags, user(i));
    // Ask in ways that store different parts of the last user's answers.
    if (i % 3 === 0) expect(engine.evaluate(user(i))).toEqual(expected);
    else if (i % 3 === 1) expect(engine.variant(user(i), "f1")).toEqual(expected.f1);
    else expect(engine.evaluateAll(user(i)).toObject()).toEqual(expected);
  }
  expect(sessions.size).toBe(1);
  Config.prototype.take = take;
});
