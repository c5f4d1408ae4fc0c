// The body of a cohort, made from its file.
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CohortBody } from "../src/local/cohort-body.ts";
import type { CohortFile } from "../src/service/source.ts";
import { idsOf } from "./cohort-fixture.ts";
import { cohortOf } from "./local-lanes.ts";
import { filesOf, newFolder, put, readCohort } from "./service-build.ts";
import { textOf } from "./snapshot-folder.ts";

/** The cohort of a file as a source has it, with these flags beside it. */
async function cohortFile(name: string, content: unknown): Promise<CohortFile> {
  const folder = newFolder();
  put(join(folder, "flags.json"), []);
  put(join(folder, "cohorts", name), content);
  utimesSync(join(folder, "cohorts", name), 1e9, 1e9);
  const flags = join(folder, "flags.json");
  const { source } = filesOf({ flags, cohorts: join(folder, "cohorts") });
  await source.start();
  expect(source.state.lastError).toBeUndefined();
  return source.state.cohorts[0];
}

const TIMES = { lastComputed: 1e12, lastModified: 1e12 };

test.each([
  ["lines", "c.txt", "a\r\n\nb", ["a", "b"], 2],
  ["no lines", "c.txt", "", [], 0],
  [
    "ids that JSON escapes",
    "c.txt",
    '"\\\n\u2028 \t\u0001\n__proto__\nü😀',
    ['"\\', "\u2028 \t\u0001", "__proto__", "ü😀"],
    4,
  ],
  ["an id twice", "c.txt", "a\na\n", ["a", "a"], 1],
  ["a list", "c.json", '\ufeff\n[ "a", "\\u0062" ]\n', ["a", "b"], 2],
  ["an empty list", "c.json", "[]", [], 0],
])("of %s", async (_, name, content, memberIds, size) => {
  const text = await textOf(readCohort(await cohortFile(name, content)));
  const head = { cohortId: "c", groupType: "User", groupTypeId: 0, ...TIMES, size };
  expect(JSON.parse(text)).toEqual({ ...head, memberIds });
});

test("of any cohort, of any group", async () => {
  const file = await cohortFile("__proto__/%22%5C%0A.txt", "a");
  const { cohortId, groupType } = JSON.parse(await textOf(readCohort(file)));
  expect({ cohortId, groupType }).toEqual({ cohortId: '"\\\n', groupType: "__proto__" });
});

test("of a body is that body, byte by byte", async () => {
  const text = `${JSON.stringify({ ...cohortOf(["a"]), more: "ü" }, null, 1)}\r\n`;
  expect(await textOf(readCohort(await cohortFile("c.json", text)))).toBe(text);
});

test("of a million ids comes in parts, and can be left", async () => {
  const ids = idsOf(1_000_000);
  const file = await cohortFile("c.txt", ids.join("\n"));
  let [parts, longest] = [0, 0];
  const counted = async function* () {
    for await (const part of readCohort(file)) {
      parts++;
      longest = Math.max(longest, part.length);
      yield part;
    }
  };
  const body = new CohortBody(counted());
  expect(await body.groupType("")).toBe("User");
  let count = 0;
  for await (const id of body) if (id === ids[count]) count++;
  expect(count).toBe(ids.length);
  expect(body.lastModified).toBe(1e12);
  expect(parts).toBeGreaterThan(100);
  expect(longest).toBeLessThan(100_000);
  for await (const part of readCohort(file)) {
    expect(part.length).toBeGreaterThan(0);
    break;
  }
});

describe("of a file that is not the one any more", () => {
  test.each([
    ["lines", "c.txt", "a"],
    ["a list", "c.json", ["a"]],
  ])("%s: nothing", async (_, name, content) => {
    const file = await cohortFile(name, content);
    put(file.path, content);
    await expect(textOf(readCohort(file))).rejects.toThrow("cohort c: its file has been replaced");
  });

  test("while it is read: not its end", async () => {
    const file = await cohortFile("c.txt", idsOf(100_000).join("\n"));
    const parts: Uint8Array[] = [];
    const read = async () => {
      for await (const part of readCohort(file)) {
        if (parts.push(part) === 1) put(file.path, idsOf(100_000).join("\n"));
      }
    };
    await expect(read()).rejects.toThrow("replaced");
    expect(() => JSON.parse(Buffer.concat(parts).toString())).toThrow();
  });

  test.each(["lines", "json"] as const)("and is gone: %s", async (format) => {
    const path = join(newFolder(), "no");
    const file = { cohortId: "c", groupType: "User", size: 1, lastModified: 1, path, format };
    await expect(textOf(readCohort(file))).rejects.toThrow(/replaced|ENOENT/);
  });
});
