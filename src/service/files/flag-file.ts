import { readFile } from "node:fs/promises";
import type { EvaluationFlag } from "../../engine/index.ts";
import { describe, InputError, readFailure } from "../../sdk/input-error.ts";
import { parseJson } from "../../sdk/json.ts";
import type { FileStamp } from "./file-stamp.ts";

/** The flags of a file; what is no flag is among them, for the engine to warn of. */
export interface FlagFile {
  readonly path: string;
  readonly flags: readonly EvaluationFlag[];
}

/**
 * Reads a JSON file: a flag, a list of flags, or an object of flags by key.
 *
 * @throws {@link InputError} for anything else
 */
export async function readFlagFile({ path, kind }: FileStamp): Promise<FlagFile> {
  // Whoever reads a pipe waits for its end.
  if (kind === "other") throw new InputError(path, "", "a file", "something else");
  try {
    const bytes = await readFile(path);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { path, flags: flagsOf(text, path) };
  } catch (error) {
    throw readFailure(path, error);
  }
}

function flagsOf(text: string, path: string): EvaluationFlag[] {
  const expected = "a list or an object of flags";
  if (text.trim() === "") throw new InputError(path, "", expected, "an empty file");
  const value = parseJson(text, path);
  if (Array.isArray(value)) return value;
  if (value === null || typeof value !== "object") {
    throw new InputError(path, "", expected, describe(value));
  }
  // Of flags by key, even one whose key is "key" is no text.
  return "key" in value && typeof value.key === "string"
    ? [value as EvaluationFlag]
    : Object.values(value);
}
