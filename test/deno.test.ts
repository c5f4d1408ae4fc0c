// Shared memory in Deno: an owner and workers in a real one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Engine, type EvaluationVariant } from "halyard/engine";
import { expect, test } from "vitest";
import { flagOf, on } from "./agree.ts";

/** The binary itself: what npm puts in front of it leaves it running when it is ended. */
function denoBinary(): string | undefined {
  const { platform, arch } = process;
  const name = `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    return join(folder, platform === "win32" ? "deno.exe" : "deno");
  } catch {
    return undefined;
  }
}

type Answers = Record<string, EvaluationVariant>;

interface Seen {
  backend: string;
  shared: boolean;
  rounds: { answers: Answers[]; digest: string; shared: boolean; flagKeys: string[] }[][];
  growth: number;
}

const cohort = { selector: ["context", "user", "cohort_ids"], op: "set contains any" };
const flags = [
  flagOf("member", [{ conditions: [[{ ...cohort, values: ["c1"] }]], variant: "on" }]),
  flagOf("text", [
    { conditions: [[on("name", "contains", "ß".repeat(30))]], variant: "on" },
    { conditions: [[on("name", "regex match", "^[a-c]+$")]], variant: "other" },
  ]),
];
const configs = [flags, [...flags, flagOf("added", [{ variant: "on" }])]];
const users = [
  { user_id: "u1", name: `x${"ß".repeat(40)}` },
  { user_id: "é", name: "abc" },
  { user_id: `long-${"x".repeat(1000)}` },
  { user_id: "nobody", name: `${"y".repeat(200)}${"ß".repeat(30)}` },
];

function runDeno(binary: string): Seen {
  const folder = mkdtempSync(join(tmpdir(), "halyard-deno-"));
  const input = join(folder, "input.json");
  writeFileSync(input, JSON.stringify([configs, users]));
  const script = fileURLToPath(new URL("./deno/owner.mjs", import.meta.url));
  const args = ["run", "--no-prompt", "--allow-read", "--no-lock", script, input];
  const env = { ...process.env, DENO_DIR: folder, NO_COLOR: "1" };
  const { stdout, stderr, status } = spawnSync(binary, args, {
    encoding: "utf8",
    env,
    timeout: 100_000,
  });
  rmSync(folder, { recursive: true });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

const deno = denoBinary();
// Where there is none this says so; in CI there has to be one.
const skip = deno === undefined && !process.env.CI;

test.skipIf(skip)("workers in Deno evaluate on the memory of their owner", () => {
  const seen = runDeno(deno!);
  expect(seen).toMatchObject({ backend: "wasm-simd", shared: true });
  const engine = Engine.loadSync(configs[0]);
  const expectRound = (round: number) => {
    const answers = users.map((user) => engine.evaluate({ user }));
    for (const worker of seen.rounds[round]) {
      expect(worker).toMatchObject({ answers, digest: engine.digest, shared: true });
      expect(worker.flagKeys).toEqual(engine.flagKeys);
    }
  };
  expectRound(0);
  engine.setCohort(
    "c1",
    "User",
    users.slice(0, 3).map((user) => user.user_id),
  );
  expectRound(1);
  engine.update(configs[1]);
  expectRound(2);
  engine.removeCohort("c1");
  expectRound(3);
  expect(seen.rounds).toHaveLength(4);
  // Of the first of ten, while its predecessors have not ended yet.
  expect(seen.growth).toBeLessThanOrEqual(2 * 65536);
});
