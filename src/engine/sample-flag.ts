import type { EvaluationFlag } from "./flag.ts";

/** A flag with one of everything that is compiled. */
export const SAMPLE_FLAG: EvaluationFlag = {
  key: "sample",
  metadata: { deployed: true },
  variants: { on: { key: "on" } },
  segments: [
    {
      metadata: { segmentName: "Segment" },
      conditions: [[{ selector: ["context", "user", "country"], op: "is", values: ["us"] }]],
      bucket: {
        selector: ["context", "user", "user_id"],
        salt: "salt",
        allocations: [{ range: [0, 1], distributions: [{ variant: "on", range: [0, 1] }] }],
      },
      variant: "on",
    },
  ],
};
