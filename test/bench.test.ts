// That the benchmark runs, agrees and names what it should; never how fast anything was.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

function bench(...args: string[]) {
  const main = join("dist", "bench", "main.js");
  return spawnSync(process.execPath, ["--expose-gc", main, ...args], { encoding: "utf8" });
}

test("a short run agrees with the oracle, measures every row and names every demand", () => {
  const { status, stdout, stderr } = bench("--quick", "--check");
  expect([0, 1], stderr).toContain(status);
  expect(stdout).toMatch(/^All lanes agree on \d+ users of each workload, by every way to ask\.$/m);
  const demand = /^check ([\w ]+): .+: expected at (?:least|most) .+, got .+: (?:met|missed)$/gm;
  const demands = [...stdout.matchAll(demand)].map(([, row]) => row);
  const rows = ["W1", "W1b", "W2", "W3", "W4 hit", "W4 miss", "W5", "W7", "W8", "W9", "GC"];
  expect([...new Set(demands)]).toEqual(rows);
  expect(stdout).toMatch(/^check GC: .+ bytes allocated per call: expected under 2048, got \d+: /m);
  for (const row of [...rows.slice(0, -1), "W6"])
    expect(stdout).toMatch(new RegExp(`^${row}: .+ [nµm]s `, "m"));
  expect(stdout).toMatch(/^500 flags .+ [0-9a-f]{16}$/m);
  expect(stdout).toMatch(/^Crossover: /m);
  for (const lane of ["Halyard shared", "client", "idle threads"])
    expect(stdout).toMatch(new RegExp(`^${lane} .+ MB `, "m"));
  for (const part of ["M1", "M2", "T1", "T2", "T3: the owner", "Pauses: held in"])
    expect(stdout).toMatch(new RegExp(`^${part} `, "m"));
  const missed = stdout.includes(": missed\n");
  expect(status).toBe(missed ? 1 : 0);
});

test("a part can be run alone, without demands that nobody asked for", () => {
  const { status, stdout } = bench("--quick", "--only", "W1");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^W1: /m);
  expect(stdout).not.toMatch(/^W2: |^check /m);
});

test.each([
  [["--fast"], "--fast"],
  [["--only", "W99"], "W99"],
  [["W1"], "too many arguments"],
])("%j is refused", (args, named) => {
  const { status, stdout, stderr } = bench(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(named);
});
