// Sessions number their users; after half a billion of them the numbers begin again.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Engine as EngineType, EvaluationContext } from "halyard/engine";
import { afterAll, expect, test } from "vitest";
import { bucketOf, flagOf, on } from "./agree.ts";
import { evaluateWithOracle } from "./oracle.ts";

const copy = mkdtempSync(`${tmpdir()}/halyard-`);
afterAll(() => rmSync(copy, { recursive: true }));

const LOW = 40;
const HIGH = 31;

/** From a copy of the build whose sessions go from their first epochs straight to their last. */
async function loadOld(): Promise<typeof EngineType> {
  for (const name of ["dist", "package.json"]) {
    const source = fileURLToPath(new URL(`../${name}`, import.meta.url));
    cpSync(source, `${copy}/${name}`, { recursive: true });
  }
  const encoder = `${copy}/dist/src/engine/encoder.js`;
  const fresh = readFileSync(encoder, "utf8");
  // Multiples of 8 up to EPOCH_MAX, see assembly/layout.ts.
  const [from, to] = [LOW * 8, 4294967280 - (HIGH - 1) * 8];
  const next = `this.#epoch = this.#epoch === ${from} ? ${to} : this.#epoch + L.EPOCH_STEP;`;
  const old = fresh.replace("this.#epoch += L.EPOCH_STEP;", next);
  expect(old).not.toBe(fresh);
  writeFileSync(encoder, old);
  const { Engine } = await import(pathToFileURL(`${copy}/dist/src/engine/index.js`).href);
  return Engine;
}

test("users before and after the numbers begin again share nothing", async () => {
  const Engine = await loadOld();
  const result = { selector: ["result", "f0", "key"], op: "is", values: ["on"] };
  const flags = Array.from({ length: 16 }, (_, i) =>
    flagOf(`f${i}`, [
      { conditions: [[on(`p${i % 4}`, i % 2 ? "is" : "contains", "a")]], variant: "on" },
      { conditions: [[on("tags", "set contains any", "a")]], bucket: bucketOf(`s${i}`, "off", 50) },
      { conditions: [[i % 5 ? on("p1", "regex match", "^c") : result]], variant: "other" },
    ]),
  );
  const keys = flags.map(({ key }) => key).reverse();
  const user = (i: number): EvaluationContext => ({
    user: { id: `u${i}`, p0: "ab"[i % 2], p1: ["a", null, "c"][i % 3], tags: i % 5 ? ["a"] : "x" },
  });
  for (const backend of ["wasm-simd", "wasm", "js"] as const) {
    const engine = Engine.loadSync(flags, { backend });
    for (let i = 0; i < LOW; i++) {
      const answers = engine.evaluateAll(user(i)).toObject();
      expect(answers).toEqual(evaluateWithOracle(flags, user(i)));
    }
    // What these do not ask for stays as the last of the first users left it, until it is his
    // number's turn again.
    for (let i = LOW; i < 2 * LOW + HIGH - 1; i++) {
      const { f5 } = evaluateWithOracle(flags, user(i), ["f5"]);
      expect(engine.variant(user(i), "f5")).toEqual(f5);
    }
    for (let i = 2 * LOW + HIGH - 1; i < 3 * LOW; i++) {
      expect(engine.evaluate(user(i), keys)).toEqual(evaluateWithOracle(flags, user(i), keys));
    }
  }
});
