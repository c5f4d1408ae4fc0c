/** Where texts are kept by key. */
export interface Storage {
  get(key: string): string | null | undefined;
  put(key: string, value: string): void;
  delete(key: string): void;
}

/** Keeps texts until the page is left. */
export class MemoryStorage implements Storage {
  readonly #texts = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  put(key: string, value: string): void {
    this.#texts.set(key, value);
  }

  delete(key: string): void {
    this.#texts.delete(key);
  }
}

/**
 * A storage of the browser, if there is one, it is allowed and it has room: if not, nothing is
 * kept, and nothing is thrown. It is looked up each time: servers and workers have none.
 */
export class WebStorage {
  readonly #name: "localStorage" | "sessionStorage";

  constructor(name: "localStorage" | "sessionStorage") {
    this.#name = name;
  }

  get(key: string): string | null {
    return this.#try((storage) => storage.getItem(key)) ?? null;
  }

  /** What JSON there is; undefined if there is none. */
  read(key: string): unknown {
    return parsed(this.get(key));
  }

  /** Whether it is kept now. */
  put(key: string, value: string): boolean {
    const keep = (storage: globalThis.Storage) => {
      storage.setItem(key, value);
      return true;
    };
    return this.#try(keep) ?? false;
  }

  delete(key: string): void {
    this.#try((storage) => storage.removeItem(key));
  }

  #try<Result>(use: (storage: globalThis.Storage) => Result): Result | undefined {
    try {
      // Reading the property throws where storage is blocked.
      return use(globalThis[this.#name]);
    } catch {
      return undefined;
    }
  }
}

function parsed(text: string | null): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The values of a JSON object that was stored, as far as they can be read; undefined if none. */
export function readRecord<Value>(
  text: string | null,
  parse: (stored: unknown) => Value | undefined,
): Map<string, Value> | undefined {
  const stored = parsed(text);
  if (typeof stored !== "object" || stored === null) return undefined;
  const values = new Map<string, Value>();
  for (const [name, each] of Object.entries(stored)) {
    const value = parse(each);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

/** What of a deployment is stored, for one instance. */
export function namespaceOf(deploymentKey: string, instanceName: string): string {
  return `amp-exp-${instanceName}-${deploymentKey.slice(-6)}`;
}
