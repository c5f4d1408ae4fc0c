// The service's page when something is wrong: users, flags, keys, the service itself.
import type { EvaluationFlag } from "halyard/engine";
import { InlineSource, type Source, type SourceState } from "halyard/service";
import { expect, test } from "vitest";
import {
  EXAMPLE_KEYS,
  exampleFlags,
  exampleUsers,
  fixed,
  keysIn,
  oracleVariants,
  textOf,
  typeUser,
  variantsIn,
  WAIT,
  withBrowser,
} from "./page-browser.ts";

const open = withBrowser();

test("points at what is no JSON, and keeps the last answers", async () => {
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  const expected = oracleVariants(exampleFlags, exampleUsers[1]);
  await typeUser(page, exampleUsers[1]);
  await expect.poll(() => variantsIn(page), WAIT).toEqual(expected);
  const json = page.getByLabel("All of the user, as JSON");
  await json.fill('{\n  "user_id": u\n}');
  expect(await textOf(page, "#user-fault")).toBe('2:14: expected a JSON value, got "u"');
  expect(await json.getAttribute("aria-invalid")).toBe("true");
  expect(await page.locator("#held").isVisible()).toBe(true);
  await json.fill("[]");
  expect(await textOf(page, "#user-fault")).toBe("1:1: expected a user object, got a list");
  expect(await variantsIn(page)).toEqual(expected);
  await json.fill(`${'{"a":'.repeat(40)}0${"}".repeat(40)}`);
  await expect.poll(() => textOf(page, "#user-fault"), WAIT).toContain("at most 16 levels");
  await json.fill("{}");
  await expect.poll(() => variantsIn(page), WAIT).toEqual(oracleVariants(exampleFlags, {}));
  expect(await textOf(page, "#user-fault")).toBe("");
  // Chromium notes the answer to what has too many levels.
  expect(complaints.filter((line) => !line.includes("status of 400"))).toEqual([]);
});

test("says what is wrong with flags, and with their source", async () => {
  const broken = { ...fixed("broken", "a"), segments: 7 } as unknown as EvaluationFlag;
  const inline = new InlineSource([fixed("sound", "a"), broken]);
  let trouble: Partial<SourceState> = { isStale: true, lastError: "upstream: timed out" };
  const source: Source = {
    engine: inline.engine,
    flags: inline.flags,
    get state() {
      return { ...inline.state, ...trouble };
    },
    start: async () => {},
    stop: async () => {},
    onChange: () => () => {},
  };
  await using opened = await open({ source });
  const { page, complaints } = opened;
  await expect.poll(() => textOf(page, "#status"), WAIT).toBe("stale");
  expect(await textOf(page, "#fault")).toBe("Last attempt failed: upstream: timed out");
  await page.getByText("1 warning").click();
  expect(await textOf(page, "#warnings ul")).toContain("malformed-flag");
  await expect.poll(() => variantsIn(page), WAIT).toEqual({ broken: "none", sound: "a" });
  expect(await textOf(page, "#flags .dead")).toContain("cannot evaluate");
  trouble = {};
  await expect.poll(() => textOf(page, "#status"), WAIT).toBe("ready");
  expect(await page.locator("#fault").isVisible()).toBe(false);
  expect(complaints).toEqual([]);
});

test("asks for a key where there are keys", async () => {
  const keys = ["server-key", "client-key"];
  await using opened = await open({ flags: exampleFlags, keys, ui: true });
  const { page, complaints, url } = opened;
  const dialog = page.getByRole("dialog", { name: "Deployment key" });
  await dialog.waitFor();
  expect(await keysIn(page)).toEqual([]);
  for (const [key, words] of [
    ["another", "The service does not know this key."],
    ["client-key", "expected one of a server deployment"],
  ]) {
    await dialog.getByLabel("Key", { exact: true }).fill(key);
    await page.keyboard.press("Enter");
    await expect.poll(() => textOf(page, "#key-fault"), WAIT).toContain(words);
  }
  await dialog.getByLabel("Key", { exact: true }).fill("server-key");
  await page.keyboard.press("Enter");
  await expect.poll(() => keysIn(page), WAIT).toEqual(EXAMPLE_KEYS);
  expect(await dialog.isVisible()).toBe(false);
  await page.reload();
  await expect.poll(() => keysIn(page), WAIT).toEqual(EXAMPLE_KEYS);
  expect(page.url()).not.toContain("server-key");
  const Authorization = "Api-Key client-key";
  const request = { method: "POST", body: "{}", headers: { Authorization } };
  const refused = await fetch(`${url}/page/evaluate`, request);
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { error: { code: "forbidden" } },
  ]);
  await page.getByRole("button", { name: "Change key" }).click();
  await dialog.waitFor();
  expect(complaints).toEqual([]);
});

test("takes no text for HTML", async () => {
  const hostile = "<img src=x onerror=document.title='owned'>";
  const keys = [hostile, "__proto__", "constructor", "toString", "7", ""];
  const flags = keys.map((key) => {
    const flag = fixed(key, hostile);
    flag.variants[hostile].payload = { [hostile]: hostile };
    return { ...flag, metadata: { flagType: hostile }, dependencies: ["__proto__"] };
  });
  await using opened = await open({ flags });
  const { page, complaints } = opened;
  await typeUser(page, { user_id: hostile, [hostile]: hostile });
  await expect.poll(async () => (await keysIn(page)).sort(), WAIT).toEqual(keys.sort());
  await page.locator("#results").getByRole("button", { name: hostile }).click();
  await expect
    .poll(() => textOf(page, ".segments"), WAIT)
    .toContain(`Everyone of ${hostile} decides: ${hostile}`);
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.title()).toBe("Halyard");
  expect(complaints).toEqual([]);
});

test("goes on when the service answers again", async () => {
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  await expect.poll(() => keysIn(page), WAIT).toEqual(EXAMPLE_KEYS);
  await page.route("**/page/*", (route) => route.abort());
  await expect.poll(() => textOf(page, "#status"), WAIT).toBe("no answer");
  expect(await textOf(page, "#fault")).toBe("The service does not answer.");
  await typeUser(page, exampleUsers[0]);
  await expect.poll(() => textOf(page, "#user-fault"), WAIT).toBe("The service does not answer.");
  expect(await keysIn(page)).toEqual(EXAMPLE_KEYS);
  await page.unroute("**/page/*");
  await expect.poll(() => textOf(page, "#status"), WAIT).toBe("ready");
  const expected = oracleVariants(exampleFlags, exampleUsers[0]);
  await expect.poll(() => variantsIn(page), WAIT).toEqual(expected);
  expect(await textOf(page, "#user-fault")).toBe("");
  expect(complaints.filter((line) => !line.includes("ERR_FAILED"))).toEqual([]);
});
