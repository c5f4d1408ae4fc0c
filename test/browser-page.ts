// A page for the tests of the browser client: what of a browser's globals it uses.
import { afterEach } from "vitest";

/** A storage that may be full. */
export class PageStorage {
  readonly texts = new Map<string, string>();
  isFull = false;

  getItem(key: string): string | null {
    return this.texts.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.isFull) throw new DOMException("exceeded the quota", "QuotaExceededError");
    this.texts.set(key, value);
  }

  removeItem(key: string): void {
    this.texts.delete(key);
  }

  /** What is kept under a key, of JSON. */
  read(key: string): unknown {
    return JSON.parse(this.texts.get(key) ?? "null");
  }
}

/** What the globals of a page are, to be changed at any time. */
export interface TestPage {
  location: { href: string } | undefined;
  document: { cookie: string; referrer: string } | undefined;
  navigator: { userAgent: string; language: string; languages: string[] } | undefined;
  localStorage: PageStorage | undefined;
  sessionStorage: PageStorage | undefined;
}

/** As a sandboxed frame has it. */
export const BLOCKED = Symbol("blocked") as unknown as PageStorage;

const NAMES = ["location", "document", "navigator", "localStorage", "sessionStorage"] as const;
const originals = NAMES.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));

export const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 " +
  "Safari/537.36";

/** Makes this process a page, until the end of the test. */
export function openPage(change: Partial<TestPage> = {}): TestPage {
  const page: TestPage = {
    location: { href: "https://shop.example/start?ref=a,b&x=1&x=2" },
    document: { cookie: "theme=dark; lang=de", referrer: "https://from.example/" },
    navigator: { userAgent: CHROME, language: "de", languages: ["de-CH", "de"] },
    localStorage: new PageStorage(),
    sessionStorage: new PageStorage(),
    ...change,
  };
  for (const name of NAMES) {
    const get = () => {
      if (page[name] !== BLOCKED) return page[name];
      throw new DOMException("access is denied", "SecurityError");
    };
    Object.defineProperty(globalThis, name, { get, configurable: true });
  }
  return page;
}

/** Gives the process its own globals back. */
export function closePage(): void {
  for (const [index, name] of NAMES.entries()) {
    const original = originals[index];
    if (original) Object.defineProperty(globalThis, name, original);
    else delete (globalThis as Record<string, unknown>)[name];
  }
}

afterEach(closePage);

/** Until all that can happen without time passing has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
}
