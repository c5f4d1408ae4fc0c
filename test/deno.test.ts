// Deno, a real one: an owner and workers on shared memory, and a service.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Engine, type EvaluationVariant } from "halyard/engine";
import { createService } from "halyard/service";
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

/** What a script prints for an input. */
function runDeno(name: string, value: unknown, permissions: readonly string[]): unknown {
  const folder = mkdtempSync(join(tmpdir(), "halyard-deno-"));
  const input = join(folder, "input.json");
  writeFileSync(input, JSON.stringify(value));
  const script = fileURLToPath(new URL(`./deno/${name}`, import.meta.url));
  const options = ["--no-prompt", "--allow-read", "--no-lock", "--node-modules-dir=manual"];
  const args = ["run", ...options, ...permissions, script, input];
  const env = { ...process.env, DENO_DIR: folder, NO_COLOR: "1" };
  const { stdout, stderr, status } = spawnSync(deno!, args, {
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
  const seen = runDeno("owner.mjs", [configs, users], []) as Seen;
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

test.skipIf(skip)("a service answers in Deno as in Node", async () => {
  const user = { user_id: "u1", name: "abc" };
  const requests: [string, { method?: string; body?: string }][] = [
    ["/sdk/v2/vardata?user_id=u1", {}],
    ["/sdk/v2/vardata", { method: "POST", body: JSON.stringify(user) }],
    ["/sdk/v2/vardata", { method: "POST", body: "{" }],
    ["/v1/vardata?user_id=u1&flag_keys=text", {}],
    ["/sdk/v2/flags", {}],
    ["/sdk/v2/memberships/User/u1", {}],
    ["/sdk/v1/cohort/none", {}],
    ["/healthz", {}],
    ["/none", {}],
  ];
  const seen = runDeno("service.mjs", [flags, requests], ["--allow-net", "--allow-env"]);
  const service = createService({ flags });
  const answers = requests.map(async ([path, init]) => {
    const response = await service.fetch(new Request(`http://service${path}`, init));
    const { status, headers } = response;
    return { status, etag: headers.get("etag"), body: await response.text() };
  });
  const first = `data: ${JSON.stringify(flags)}\n\n`;
  expect(seen).toEqual({ answers: await Promise.all(answers), first });
});
