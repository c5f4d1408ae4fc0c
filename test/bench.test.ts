import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

function bench(...args: string[]) {
  const main = join("dist", "bench", "main.js");
  return spawnSync(process.execPath, ["--expose-gc", main, ...args], { encoding: "utf8" });
}

test("the benchmark agrees with the oracle and prints a ratio for every row", () => {
  const { status, stdout, stderr } = bench("--quick");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("agree on all 1024 users");
  for (const row of ["W1", "W1b", "W2", "W3"]) {
    expect(stdout).toMatch(new RegExp(`^ratio ${row}: Halyard \\w+.* \\d+\\.\\d\\d`, "m"));
  }
});

test("an unknown option is refused", () => {
  const { status, stderr } = bench("--fast");
  expect(status).toBe(1);
  expect(stderr).toContain("--fast");
});
