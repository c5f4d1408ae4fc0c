// Flags by hand, and the oracle's answers by every entry point that evaluates them all at once.
import { Engine, type EvaluationContext, type EvaluationFlag } from "halyard/engine";
import { expect } from "vitest";
import { sameInOrder } from "./difference.ts";
import { evaluateWithOracle } from "./oracle.ts";

const BACKENDS = ["wasm-simd", "wasm", "js"] as const;
export const VARIANTS = { on: { key: "on" }, off: { key: "off" }, other: { key: "other" } };

export interface Condition {
  selector: string[];
  op: string;
  values: string[];
}

/** A condition on a field of the user. */
export function on(field: string, op: string, ...values: string[]): Condition {
  return { selector: ["context", "user", field], op, values };
}

export function flagOf(key: string, segments: object[], more: object = {}): EvaluationFlag {
  return { key, variants: VARIANTS, segments, ...more } as unknown as EvaluationFlag;
}

/** All users, or `share` percent of them, get `variant` by the value of `field`. */
export function bucketOf(salt: string, variant: string, share = 100, field = "id"): object {
  const distributions = [{ variant, range: [0, 42949673] }];
  const allocations = [{ range: [0, share], distributions }];
  return { selector: ["context", "user", field], salt, allocations };
}

export function engines(flags: EvaluationFlag[]): Engine[] {
  const all = BACKENDS.map((backend) => Engine.loadSync(flags, { backend }));
  const shared = Engine.loadSync(flags, { shared: true });
  return [...all, Engine.loadSync(all[0].toImage()), shared, Engine.attach(shared.handle())];
}

/** As `Object.fromEntries`, of those that have a value; in the order that the oracle has. */
function recordOf(keys: readonly string[], read: (key: string) => unknown): object {
  const entries = keys.map((key) => [key, read(key)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Every engine gives the oracle's answers for every user. */
export function expectAgreement(flags: EvaluationFlag[], users: readonly object[]): void {
  const contexts = users.map((user): EvaluationContext => ({ user }) as EvaluationContext);
  const expected = contexts.map((context) => evaluateWithOracle(flags, context));
  for (const engine of engines(flags)) {
    const many = engine.evaluateMany(contexts);
    for (const [row, context] of contexts.entries()) {
      const keys = Object.keys(expected[row]);
      const answers = [
        engine.evaluate(context),
        engine.evaluateAll(context).toObject(),
        engine.pin(context).evaluateAll().toObject(),
        recordOf([...new Set([...keys, ...many.flagKeys])], (key) => many.at(row, key)),
      ];
      for (const answer of answers) {
        if (!sameInOrder(answer, expected[row])) expect(answer).toStrictEqual(expected[row]);
      }
    }
  }
}
