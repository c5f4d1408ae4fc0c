import type { WebStorage } from "./storage.ts";

/** Whether the server tracks assignments, as was last said; it outlives the page. */
export class TrackingOption {
  readonly #storage: WebStorage;
  readonly #key: string;
  #options: Record<string, unknown>;

  constructor(storage: WebStorage, key: string) {
    this.#storage = storage;
    this.#key = key;
    this.#options = this.#read();
  }

  /** As a header's value; undefined = the server's default. */
  get value(): string | undefined {
    const { trackingOption } = this.#options;
    return typeof trackingOption === "string" && trackingOption ? trackingOption : undefined;
  }

  set(isTracked: boolean): void {
    this.#options = { ...this.#read(), trackingOption: isTracked ? "track" : "no-track" };
    this.#storage.put(this.#key, JSON.stringify(this.#options));
  }

  #read(): Record<string, unknown> {
    const stored = this.#storage.read(this.#key);
    return typeof stored === "object" ? { ...stored } : {};
  }
}
