import { once } from "node:events";

/** Standard output that waits when the reader is slow, and ends quietly when it is gone. */
export class Output {
  readonly #batchSize: number;
  #batch: string[] = [];
  #length = 0;

  /** @param batchSize - characters to gather before a write; 0 writes each text at once */
  constructor(batchSize: number) {
    this.#batchSize = batchSize;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      // `halyard … | head` closes the pipe early. That is not a failure of ours.
      if (error.code === "EPIPE") process.exit(0);
      process.stderr.write(`halyard: stdout: expected to write, got ${error.code ?? error}\n`);
      process.exit(1);
    });
  }

  /** Resolves when more may be written. */
  async write(text: string): Promise<void> {
    if (text === "") return;
    this.#batch.push(text);
    this.#length += text.length;
    if (this.#length >= this.#batchSize) await this.flush();
  }

  /** Hands everything gathered to the system. */
  async flush(): Promise<void> {
    if (!this.flushNow()) await once(process.stdout, "drain");
  }

  /** As {@link Output.flush}, without waiting; false when the reader is behind. */
  flushNow(): boolean {
    if (this.#batch.length === 0) return true;
    const text = this.#batch.join("");
    this.#batch = [];
    this.#length = 0;
    return process.stdout.write(text);
  }
}
