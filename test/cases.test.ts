// Runs every file in test/cases against the reference engine and against Halyard.
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { Engine, type EvaluationFlag } from "halyard/engine";
import { CompactEngine } from "halyard/engine/compact";
import { describe, test } from "vitest";
import { evaluateWithOracle } from "./oracle.ts";

type Results = Record<string, unknown>;

interface Sample {
  context: Record<string, unknown>;
  expected: Results;
}

interface Case extends Partial<Sample> {
  name: string;
  rule: string;
  description: string;
  flags: EvaluationFlag[];
  flagKeys?: string[];
  contexts?: Sample[];
  warnings?: { code: string; flagKey: string }[];
  oracle?: string;
}

const directory = new URL("./cases/", import.meta.url);
const rules = readFileSync(new URL("../docs/evaluation.md", import.meta.url), "utf8");
const cases = readdirSync(directory, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name): Case => {
    const text = readFileSync(new URL(name, directory), "utf8");
    return { ...JSON.parse(text), name: name.slice(0, -".json".length) };
  });

function samples(entry: Case): Sample[] {
  return entry.contexts ?? [{ context: entry.context!, expected: entry.expected! }];
}

// The spread makes the prototype of the result map irrelevant; JSON text compares the key order.
function same(actual: Results, expected: Results, label: string): void {
  deepStrictEqual({ ...actual }, expected, label);
  strictEqual(JSON.stringify(actual), JSON.stringify(expected), `${label}: order of keys`);
}

function own(object: Results, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

// A result read without a declared dependency depends on which other flags were evaluated.
function declaresWhatItReads(flags: EvaluationFlag[]): boolean {
  return flags.every((flag) => {
    const declared = new Set((flag.dependencies as string[] | undefined) ?? []);
    const reads = JSON.stringify(flag).matchAll(/"selector":\["result","([^"]*)"/g);
    return [...reads].every((match) => declared.has(match[1]));
  });
}

function byFlagAndCode(list: readonly { code: string; flagKey?: string }[]): string[] {
  return [...new Set(list.map(({ code, flagKey }) => `${flagKey}: ${code}`))].sort();
}

function checkVariants(engine: Engine | CompactEngine, entry: Case): void {
  for (const { context, expected } of samples(entry)) {
    for (const flag of entry.flags) {
      const key = flag.key as string;
      deepStrictEqual(engine.variant(context, key), own(expected, key), `variant ${key}`);
    }
  }
}

test("there are at least 150 cases", () => {
  ok(cases.length >= 150, `${cases.length} cases`);
});

describe.each(cases)("$name", (entry) => {
  test("cites a rule", () => {
    const [, rule] = /^docs\/evaluation\.md (\S+)$/.exec(entry.rule) ?? [];
    ok(rule && rules.includes(`- **${rule}** `), entry.rule);
    ok(entry.description.length > 0);
  });

  test.skipIf(entry.oracle !== undefined)("reference engine", () => {
    for (const [at, { context, expected }] of samples(entry).entries()) {
      same(evaluateWithOracle(entry.flags, context, entry.flagKeys), expected, `context ${at}`);
    }
  });

  test("Halyard", async () => {
    const engine = Engine.loadSync(entry.flags);
    const compact = await CompactEngine.load(entry.flags);
    const engines = {
      loaded: engine,
      image: Engine.loadSync(engine.toImage()),
      scalar: Engine.loadSync(entry.flags, { simd: false }),
      js: Engine.loadSync(entry.flags, { backend: "js" }),
      compact,
      "compact js": await CompactEngine.load(entry.flags, { backend: "js" }),
    };
    deepStrictEqual(byFlagAndCode(engine.warnings), byFlagAndCode(entry.warnings ?? []));
    for (const [label, each] of Object.entries(engines)) {
      for (const [at, { context, expected }] of samples(entry).entries()) {
        same(each.evaluate(context, entry.flagKeys), expected, `${label}, context ${at}`);
      }
    }
    if (entry.flagKeys === undefined && declaresWhatItReads(entry.flags)) {
      checkVariants(engine, entry);
      checkVariants(compact, entry);
    }
  });
});
