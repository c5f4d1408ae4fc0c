// Snapshots in folders of their own, and what lies in these.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Snapshot } from "../src/local/snapshot.ts";
import { Log, LogLevel } from "../src/sdk/log.ts";
import { Lines } from "./local-lanes.ts";

const home = mkdtempSync(join(tmpdir(), "halyard-snapshot-"));
let folders = 0;

/** Of a folder that there is not yet. */
export const newFolder = () => join(home, `${folders++}`, "below");

export const removeFolders = () => rmSync(home, { recursive: true, force: true });

export function snapshotIn(folder: string) {
  const lines = new Lines();
  const log = new Log({ loggerProvider: lines, logLevel: LogLevel.Warn }, []);
  return { snapshot: new Snapshot(folder, log), lines: lines.all };
}

async function* chunksOf(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

export async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

/** Keeps a cohort that comes in these parts; or, told so, does not. */
export async function keep(
  snapshot: Snapshot,
  cohortId: string,
  texts: readonly string[],
  end: "keep" | "discard" = "keep",
): Promise<void> {
  const copy = snapshot.copyOf(cohortId);
  expect(await textOf(copy.through(chunksOf(texts)))).toBe(texts.join(""));
  await copy[end]();
}

/** The files of a folder whose names begin so. */
export const filesOf = (folder: string, prefix = "") =>
  readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name));

/** Flags, and the cohort "c". */
export async function filled() {
  const folder = newFolder();
  const { snapshot, lines } = snapshotIn(folder);
  await keep(snapshot, "c", ["cohort ", "1"]);
  await snapshot.keepFlags("flags 1");
  return { folder, snapshot, lines };
}
