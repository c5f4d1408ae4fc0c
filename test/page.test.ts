// The service's page at `/`, in Chromium.
import { Engine, toContext } from "halyard/engine";
import { InlineSource } from "halyard/service";
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

test("shows all flags, and how the service is doing", async () => {
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  await expect.poll(() => keysIn(page), WAIT).toEqual(EXAMPLE_KEYS);
  expect(await textOf(page, "#status")).toBe("ready");
  expect(await textOf(page, "#age")).toMatch(/^confirmed \d+ s ago$/);
  expect(await textOf(page, "#flag-count")).toBe("20 flags live");
  expect(await textOf(page, "#digest")).toBe((await Engine.load(exampleFlags)).digest);
  const facts = page.getByRole("button", { name: "pricing-holdout-2025" }).first();
  expect(await facts.textContent()).toContain("holdout-group · v2 · not deployed");
  expect(complaints).toEqual([]);
});

test("searches keys", async () => {
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  await expect.poll(() => keysIn(page), WAIT).toHaveLength(20);
  await page.getByRole("searchbox").fill("SEARCH");
  const found = EXAMPLE_KEYS.filter((key) => key.includes("search"));
  expect(await keysIn(page)).toEqual(found);
  expect(Object.keys(await variantsIn(page))).toEqual(found);
  expect(await textOf(page, "#match-count")).toBe("3 of 20");
  await page.getByRole("searchbox").fill("no such key");
  expect(await page.locator("#nothing").isVisible()).toBe(true);
  await page.keyboard.press("Escape");
  expect(await keysIn(page)).toEqual(EXAMPLE_KEYS);
  expect(complaints).toEqual([]);
});

test("shows the variants that the reference engine gives", async () => {
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  for (const user of [...exampleUsers, {}]) {
    await typeUser(page, user);
    const expected = oracleVariants(exampleFlags, user);
    await expect.poll(() => variantsIn(page), WAIT).toEqual(expected);
  }
  await page.getByLabel("user_id").fill("qa-anna");
  const expected = oracleVariants(exampleFlags, { user_id: "qa-anna" });
  await expect.poll(() => variantsIn(page), WAIT).toEqual(expected);
  const json = await page.getByLabel("All of the user, as JSON").inputValue();
  expect(JSON.parse(json)).toEqual({ user_id: "qa-anna" });
  expect(complaints).toEqual([]);
});

test("says why", async () => {
  const engine = await Engine.load(exampleFlags);
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  for (const user of exampleUsers) {
    await typeUser(page, user);
    const { segments, segmentIndex } = engine.explain(toContext(user), "checkout-redesign")!;
    const { name, variantKey, bucket } = segments[segmentIndex];
    await page.locator("#results").getByRole("button", { name: "checkout-redesign" }).focus();
    if (!(await page.locator(".details").isVisible())) await page.keyboard.press("Enter");
    const title = `${segmentIndex + 1}. ${name} decides: ${variantKey}`;
    const chosen = page.locator(".segments > .chosen");
    await expect.poll(() => chosen.locator(".segment-head").textContent(), WAIT).toBe(title);
    await expect
      .poll(() => page.locator(".seen").first().textContent(), WAIT)
      .toBe(`value ${user.user_id === undefined ? "absent" : JSON.stringify(user.user_id)}`);
    if (bucket?.hash === undefined) continue;
    const words = await chosen.locator(".bucket").textContent();
    expect(words).toContain(`"${bucket.salt}/${bucket.value}", hash ${bucket.hash}`);
    expect(words).toContain(`allocation slot ${bucket.allocationSlot},`);
    if (words?.includes("inside")) {
      expect(words).toContain(`distribution slot ${bucket.distributionSlot}:`);
      expect(await chosen.locator(".share.hit").textContent()).toContain(variantKey);
    }
  }
  expect(await page.locator(".details dl").textContent()).toContain("pricing-holdout-2025 = ");
  expect(complaints).toEqual([]);
});

test("shows edits as they go live", async () => {
  const source = new InlineSource([fixed("kept", "a"), fixed("edited", "a"), fixed("gone", "a")]);
  await using opened = await open({ source });
  const { page, complaints } = opened;
  await page.locator("#flags").getByRole("button", { name: "edited" }).click();
  await expect.poll(() => page.locator(".chosen").textContent(), WAIT).toContain("decides: a");
  source.update([fixed("kept", "a"), fixed("edited", "b"), fixed("added", "b")]);
  await expect.poll(() => variantsIn(page), WAIT).toEqual({ added: "b", edited: "b", kept: "a" });
  await expect.poll(() => page.locator(".chosen").textContent(), WAIT).toContain("decides: b");
  await expect.poll(() => textOf(page, "#news"), WAIT).toContain("3 flags changed");
  expect(await keysIn(page)).toEqual(["added", "edited", "kept"]);
  expect(complaints).toEqual([]);
});

test("can be used without a pointer", async () => {
  await using opened = await open({ flags: exampleFlags });
  const { page, complaints } = opened;
  await expect.poll(() => keysIn(page), WAIT).toEqual(EXAMPLE_KEYS);
  const focused = () =>
    page.evaluate(() => {
      const { id, textContent, parentElement } = document.activeElement as HTMLElement;
      return id || `${parentElement?.tagName.toLowerCase()} ${textContent}`;
    });
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect(await focused()).toBe("user-json");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("user-id");
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press("/");
  expect(await focused()).toBe("search");
  await page.keyboard.type("o");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toMatch(/^li audit-log/);
  for (const name of ["ArrowDown", "End", "Home", "ArrowDown", "ArrowDown"]) {
    await page.keyboard.press(name);
  }
  expect(await focused()).toMatch(/^li consent-dialog/);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  expect(await focused()).toBe("th checkout-redesign");
  expect(await page.locator(".details").isVisible()).toBe(true);
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("span pricing-holdout-2025");
  await page.keyboard.press("Enter");
  expect(await focused()).toBe("th pricing-holdout-2025");
  await page.keyboard.press("Escape");
  expect(await page.locator(".details").isVisible()).toBe(false);
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toBe("th onboarding-length");
  await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("user-json");
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText("{}");
  const expected = oracleVariants(exampleFlags, {});
  await expect
    .poll(() => variantsIn(page), WAIT)
    .toMatchObject({
      "checkout-redesign": expected["checkout-redesign"],
    });
  expect(complaints).toEqual([]);
});

test("opens what a link says, of which the service learns nothing", async () => {
  const user = { user_id: "ユーザー-8 & #?%", country: "Japan" };
  const fragment = `#${new URLSearchParams({ flag: "audit-log", user: JSON.stringify(user) })}`;
  await using opened = await open({ flags: exampleFlags }, { fragment });
  const { page, complaints } = opened;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.locator(".details").waitFor();
  await expect.poll(() => variantsIn(page), WAIT).toEqual(oracleVariants(exampleFlags, user));
  await page.getByLabel("device_id").fill("d-7");
  await page.locator("#results").getByRole("button", { name: "free-shipping" }).click();
  const url = page.url();
  await page.reload();
  await page.locator(".details").waitFor();
  expect(page.url()).toBe(url);
  expect(await page.getByLabel("device_id").inputValue()).toBe("d-7");
  expect(await page.getByLabel("user_id").inputValue()).toBe(user.user_id);
  expect(await textOf(page, "tr.open button")).toBe("free-shipping");
  expect(asked.filter((address) => /d-7|free-shipping/.test(address.split("#")[0]))).toEqual([]);
  expect(complaints).toEqual([]);
});

test("fits on a phone, and holds many flags", async () => {
  const flags = Array.from({ length: 500 }, (_, at) => fixed(`flag-${at}-${"x".repeat(60)}`, "a"));
  const viewport = { width: 360, height: 740 };
  await using opened = await open({ flags }, { viewport, isMobile: true });
  const { page, complaints } = opened;
  await expect.poll(async () => Object.keys(await variantsIn(page)).length, WAIT).toBe(500);
  await page.getByRole("searchbox").fill("flag-499");
  await page.locator("#results button").last().click();
  await page.locator(".details").waitFor();
  const overflow = () => document.documentElement.scrollWidth - window.innerWidth;
  expect(await page.evaluate(overflow)).toBe(0);
  expect(complaints).toEqual([]);
});

const imagePath = process.env.PAGE_IMAGE;
test.runIf(imagePath)("has its picture taken", async () => {
  const user = JSON.stringify(exampleUsers[1]);
  const fragment = `#${new URLSearchParams({ flag: "checkout-redesign", user })}`;
  const viewport = { width: 1280, height: 800 };
  await using opened = await open({ flags: exampleFlags }, { fragment, viewport });
  await opened.page.locator(".segments").waitFor();
  await opened.page.screenshot({ path: imagePath });
});
