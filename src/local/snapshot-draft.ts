import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What the files hold is personal: it is for the owner alone. */
const MODE = 0o600;
const DRAFT = /\.(\d+)\.[0-9a-f-]{36}\.draft$/;

/** A file while it is written: nobody sees it under its own name before it is whole. */
export class SnapshotDraft {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");

  private constructor(folder: string, path: string, file: FileHandle) {
    this.#folder = folder;
    this.#path = path;
    this.#file = file;
  }

  static async begin(folder: string, stem: string): Promise<SnapshotDraft> {
    const path = join(folder, `${stem}.${process.pid}.${randomUUID()}.draft`);
    return new SnapshotDraft(folder, path, await open(path, "wx", MODE));
  }

  /** Whether a file of the folder is a draft that nobody writes any more. */
  static async isAbandoned(folder: string, name: string): Promise<boolean> {
    const writer = DRAFT.exec(name)?.[1];
    if (writer === undefined) return false;
    if (Number(writer) !== process.pid) return !isAlive(Number(writer));
    // In a container each process may have the number of the one before.
    const startedAt = Date.now() - process.uptime() * 1000;
    const { mtimeMs } = await stat(join(folder, name));
    return mtimeMs < startedAt;
  }

  async append(bytes: Uint8Array | string): Promise<void> {
    this.#hash.update(bytes);
    // Unlike `write`, goes on until everything is written.
    await this.#file.writeFile(bytes);
  }

  /**
   * Puts the whole file in its place; answers the SHA-256 of its bytes.
   *
   * @param nameOf - the file's name
   */
  async place(nameOf: (digest: string) => string): Promise<string> {
    const digest = this.#hash.digest("hex");
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#path, join(this.#folder, nameOf(digest)));
    return digest;
  }

  /** Gives the room back, also after a failure. Never throws. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#path, { force: true }).catch(() => {});
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
