import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What is at a path now, links followed. */
export interface FileStamp {
  readonly path: string;
  readonly kind: "file" | "directory" | "other" | "none";
  /** Differs once it has changed, or another file has come in its place. */
  readonly stamp: string;
  readonly mtimeMs: number;
}

/** Never throws: what cannot be looked at is a stamp, too. */
export async function stampOf(path: string): Promise<FileStamp> {
  try {
    const found = await stat(path);
    const { ino, size, mtimeMs, ctimeMs } = found;
    const kind = found.isFile() ? "file" : found.isDirectory() ? "directory" : "other";
    // The time of the inode tells of copies that keep the time of the file, and of permissions.
    return { path, kind, stamp: `${kind} ${ino} ${size} ${mtimeMs} ${ctimeMs}`, mtimeMs };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { path, kind: "none", stamp: String(code), mtimeMs: 0 };
  }
}

/**
 * What is in a directory, in the order of names; names that begin with a dot are not for us.
 *
 * @throws what `readdir` throws
 */
export async function stampsIn(
  directory: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<FileStamp[]> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith(".")).sort();
  return Promise.all(names.filter(isWanted).map((name) => stampOf(join(directory, name))));
}
