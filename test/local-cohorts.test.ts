// Flags that need cohorts, and what callers of the local client see when these cannot be had.
import type { LocalEvaluationConfig } from "halyard";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { flagOf } from "./cohort-fixture.ts";
import { bodyOf, jsonOf, statusOf, truncated } from "./evaluation-server.ts";
import { byCohort, cohort, cohortOf, configOf, held, Lines, versioned } from "./local-lanes.ts";
import { LocalSetup } from "./local-setup.ts";

let local: LocalSetup;
beforeAll(async () => {
  local = await LocalSetup.begin();
});
afterAll(() => local.end());

describe("cohorts", () => {
  const needing = (...ids: string[]) =>
    jsonOf([flagOf("flag", ids), versioned("v1", { key: "o" })]);

  test.each([
    ["404", statusOf(404), /got 404/],
    ["413", statusOf(413), /more than/],
    ["500", statusOf(500), /got 500/],
    ["truncated", truncated(200), /terminated/],
    ["HTML", bodyOf("<html>"), /expected JSON/],
    ["null", jsonOf(null), /expected a groupType/],
  ])("%s: the flags go live, nobody is in it", async (_, answer, error) => {
    const lanes = [
      local.lane(needing("bad", "good")),
      local.lane(
        byCohort({
          bad: [answer],
          good: [cohort(["a"])],
        }),
      ),
    ] as const;
    const { client } = local.clientOf(configOf(...lanes));
    await client.start();
    const [inGood, inNone] = ["a", "b"].map((user_id) => client.evaluateV2({ user_id }));
    expect([inGood.flag?.key, inNone.flag?.key, inNone.o?.key]).toEqual(["on", undefined, "v1"]);
    const [bad, good] = client.status().cohorts;
    expect([bad.cohortId, bad.size, good.size]).toEqual(["bad", undefined, 1]);
    expect(bad.error).toMatch(error);
  });

  test("202 for a while: the flags wait for it", async () => {
    const pending = statusOf(202);
    const lanes = [local.lane(needing("c")), local.lane(pending, pending, cohort(["a"]))] as const;
    const { client, version } = local.clientOf(configOf(...lanes));
    await client.start();
    expect([version("a"), lanes[1].requests.length]).toEqual(["on", 3]);
  });

  test("of another type than conditions ask: nobody is in it", async () => {
    const cohorts = local.lane(cohort(["a"], { groupType: "org" }));
    const { client, version } = local.clientOf(configOf(local.lane(needing("c")), cohorts));
    await client.start();
    expect(version("a")).toBeUndefined();
    expect(client.status().cohorts).toMatchObject([{ groupType: "org", size: 1 }]);
  });

  test("flags that need another one do not go live before it is there", async () => {
    let goOn = () => {};
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const flags = local.lane(jsonOf([versioned("v1")]), needing("c"));
    const cohorts = local.lane(held(JSON.stringify(cohortOf(["a"])), () => until));
    const { client, version } = local.clientOf(configOf(flags, cohorts));
    await client.start();
    await vi.waitFor(() => expect(cohorts.requests).toHaveLength(1), 10_000);
    expect(version("a")).toBe("v1");
    goOn();
    await vi.waitFor(() => expect(version("a")).toBe("on"), 10_000);
  });

  test("no configuration for them: said once", async () => {
    const lines = new Lines();
    const config = { ...configOf(local.lane(needing("c"))), loggerProvider: lines, logLevel: 1 };
    const { client, version } = local.clientOf(config as LocalEvaluationConfig);
    await client.start();
    expect(version("a")).toBeUndefined();
    expect(lines.all.filter((line) => line.includes("no cohortSyncConfig"))).toHaveLength(1);
  });
});
