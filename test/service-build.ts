// The service as it is built, as its sources alone do not find the core; files for it, and waiting.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EvaluationFlag } from "halyard/engine";
import { afterAll, afterEach } from "vitest";
import type { FileSourceOptions } from "../src/service/files/file-source.ts";
import type { Source } from "../src/service/source.ts";
import { Lines } from "./local-lanes.ts";

/** A path that tsc must not take for a source. */
export const built = (name: string) =>
  new URL(`../dist/src/service/${name}.js`, import.meta.url).href;

const file: typeof import("../src/service/files/file-source.ts") = await import(
  built("files/file-source")
);
const upstream: typeof import("../src/service/upstream-source.ts") = await import(
  built("upstream-source")
);
const document: typeof import("../src/service/files/cohort-document.ts") = await import(
  built("files/cohort-document")
);
export const { FileSource } = file;
export const { UpstreamSource } = upstream;
export const { readCohort } = document;

const home = mkdtempSync(join(tmpdir(), "halyard-service-"));
let folders = 0;
const used: Source[] = [];
afterEach(async () => {
  await Promise.all(used.splice(0).map((source) => source.stop()));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** It is stopped after the test. */
export function stopped<Kind extends Source>(source: Kind): Kind {
  used.push(source);
  return source;
}

/** A directory of its own. */
export function newFolder(): string {
  const folder = join(home, `${folders++}`);
  mkdirSync(folder);
  return folder;
}

/** Writes a file, and the directories above it; what is no text is written as JSON. */
export function put(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const isRaw = typeof content === "string" || content instanceof Uint8Array;
  writeFileSync(path, isRaw ? content : JSON.stringify(content));
}

/** As editors do: another file takes the place of the old one. */
export function replace(path: string, content: unknown): void {
  put(`${path}~`, content);
  renameSync(`${path}~`, path);
}

/** Writes files piece by piece, so often that none is as it was for {@link LONG} before its end. */
export async function putSlowly(files: Readonly<Record<string, string>>): Promise<void> {
  for (let piece = 1; piece <= PIECES; piece++) {
    for (const [path, text] of Object.entries(files)) {
      put(path, text.slice(0, Math.ceil((text.length * piece) / PIECES)));
    }
    await sleep(LONG / 20);
  }
}

/** Milliseconds between two looks, for a test that writes much more often. */
export const LONG = 100;
const PIECES = 60;

/** Waits until something is so, as the source tells. */
export function untilTold(source: Source, isSo: () => boolean): Promise<void> {
  if (isSo()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`it never became so: ${isSo}`));
    const timer = setTimeout(fail, 20_000);
    const end = source.onChange(() => {
      if (!isSo()) return;
      clearTimeout(timer);
      end();
      resolve();
    });
  });
}

/** A source of files, and what it has logged. */
export function filesOf(options: Omit<FileSourceOptions, "log">) {
  const lines = new Lines();
  const log = { loggerProvider: lines, logLevel: 2 } as const;
  const source = stopped(new FileSource({ intervalMillis: 15, ...options, log }));
  return { source, lines: lines.all };
}

export const keyOf = (source: Source, flagKey = "flag", user: object = { user_id: "u" }) =>
  source.engine.variant({ user } as never, flagKey)?.key;

export const byKey = (flags: readonly EvaluationFlag[]) =>
  Object.fromEntries(flags.map((flag) => [flag.key, flag]));
