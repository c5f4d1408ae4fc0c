// A real browser on a real service, for the tests of its page.
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type EvaluationFlag, type ExperimentUser, toContext } from "halyard/engine";
import { createService, type ServiceOptions } from "halyard/service";
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
  type Page,
} from "playwright-core";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { evaluateWithOracle } from "./oracle.ts";
import { listen } from "./service-server.ts";

const read = (name: string) =>
  readFileSync(new URL(`../examples/${name}`, import.meta.url), "utf8");
export const exampleFlags = JSON.parse(read("flags.json")) as EvaluationFlag[];
export const exampleUsers = JSON.parse(read("users.json")) as ExperimentUser[];

const executablePath = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) =>
    ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)),
  )
  .find((path) => existsSync(path));

type Open = (options: ServiceOptions, context?: PageOptions) => Promise<OpenPage>;
type PageOptions = BrowserContextOptions & { fragment?: string };

/** A browser for a file's tests. Without one they are skipped, but where CI is set they fail. */
export function withChromium(options: LaunchOptions = {}): () => Browser {
  let browser: Browser | undefined;
  const message = "expected chromium, chromium-browser or google-chrome in PATH, got none";
  beforeAll(async () => {
    if (!executablePath && process.env.CI === "true") throw new Error(message);
    if (!executablePath) console.warn(`the page's tests are skipped: ${message}`);
    else browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], ...options });
  });
  beforeEach(({ skip }) => {
    if (!browser) skip(message);
  });
  afterAll(() => browser?.close());
  return () => browser!;
}

/** A browser for a file's tests, each on a service of its own. */
export function withBrowser(): Open {
  const browser = withChromium();
  return (options, context) => openPage(browser(), options, context);
}

/** A page with what its console said; closed with its service at the end of the test. */
interface OpenPage extends AsyncDisposable {
  page: Page;
  url: string;
  /** Errors, also of the content security policy. */
  complaints: string[];
}

async function openPage(
  browser: Browser,
  options: ServiceOptions,
  { fragment = "", ...context }: PageOptions = {},
): Promise<OpenPage> {
  const { url, stop } = await listen(createService(options));
  const page = await browser.newPage(context);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (line) => {
    if (line.type() !== "error" && line.type() !== "warning") return;
    // Chromium notes every answer that is an error.
    if (!/status of 40[13]/.test(line.text())) complaints.push(line.text());
  });
  await page.goto(`${url}/${fragment}`);
  const dispose = async () => {
    await page.close();
    await stop();
  };
  return { page, url, complaints, [Symbol.asyncDispose]: dispose };
}

/** Variants in the table by flag key, of the flags that are shown. */
export async function variantsIn(page: Page): Promise<Record<string, string>> {
  const rows = page.locator("#results > tr:not(.open-details):visible");
  const cells = await rows.evaluateAll((all) =>
    all.map((row): [string, string] => [
      row.querySelector("button")!.textContent,
      row.querySelector(".variant")!.textContent,
    ]),
  );
  return Object.fromEntries(cells);
}

/** Keys in the list at the side, of the flags that are shown. */
export function keysIn(page: Page): Promise<string[]> {
  return page.locator("#flags li:visible .key").allTextContents();
}

export function typeUser(page: Page, user: unknown): Promise<void> {
  return page.getByLabel("All of the user, as JSON").fill(JSON.stringify(user));
}

/** What the reference engine answers, in the words of the page. */
export function oracleVariants(
  flags: readonly EvaluationFlag[],
  user: object,
): Record<string, string> {
  const variants = evaluateWithOracle([...flags], toContext(user));
  const keys = flags.map(({ key }) => key).sort();
  return Object.fromEntries(
    keys.map((key) => [key, (variants[key] as { key?: string } | undefined)?.key ?? "none"]),
  );
}

/** A flag that gives everybody one variant. */
export function fixed(flagKey: string, variantKey: string): EvaluationFlag {
  const segments = [{ metadata: { segmentName: `Everyone of ${flagKey}` }, variant: variantKey }];
  return { key: flagKey, segments, variants: { [variantKey]: { key: variantKey } } };
}

export const WAIT = { timeout: 20_000 };
export const EXAMPLE_KEYS = exampleFlags.map(({ key }) => key).sort();

/** Of an element of the page. */
export const textOf = (page: Page, selector: string) => page.locator(selector).textContent();
