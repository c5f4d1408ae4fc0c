// Flags of which one member is what nobody expects there: that flag is disabled, the others go on.
import { Engine, type EvaluationFlag } from "halyard/engine";
import { CompactEngine } from "halyard/engine/compact";
import { expect, test } from "vitest";

test.each([
  ["a variant", { variant: { toString: 1 } }, ".segments[0]"],
  ["a variant in a list", { variant: [{ toString: 1, valueOf: 1 }] }, ".segments[0]"],
  [
    "an operator",
    { conditions: [[{ selector: [], op: { toString: 1, valueOf: 1 }, values: [] }]] },
    ".segments[0].conditions[0][0].op",
  ],
  [
    "an operator that is no JSON",
    { conditions: [[{ selector: [], op: 5n, values: [] }]] },
    ".segments[0].conditions[0][0].op",
  ],
  [
    "a distribution's variant",
    {
      bucket: {
        selector: [],
        salt: "s",
        allocations: [
          { range: [0, 100], distributions: [{ variant: { toString: 1 }, range: [0, 9] }] },
        ],
      },
    },
    ".segments[0]",
  ],
])("%s that has no text disables its flag", (_, segment, path) => {
  const bad = { key: "bad", variants: {}, segments: [segment] };
  const good = { key: "good", variants: { on: { key: "on" } }, segments: [{ variant: "on" }] };
  const flags = [bad, good] as unknown as EvaluationFlag[];
  for (const engine of [Engine.loadSync(flags), CompactEngine.loadSync(flags)]) {
    expect(engine.warnings).toContainEqual(
      expect.objectContaining({
        code: "malformed-flag",
        flagKey: "bad",
        path: `flags["bad"]${path}`,
      }),
    );
    expect(Object.keys(engine.evaluate({}))).toEqual(["good"]);
  }
});
