import { readFile } from "node:fs/promises";
import { ConfigError, Engine } from "../engine/index.ts";
import { describe, InputError, readFailure } from "../sdk/input-error.ts";
import { parseJson } from "../sdk/json.ts";

/** JSON starts with a bracket and holds no zero byte; an image starts with other bytes. */
function looksBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 256).includes(0);
}

function parseFlags(bytes: Uint8Array, file: string): Parameters<typeof Engine.load>[0] {
  if (looksBinary(bytes)) return bytes;
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (text.trim() === "") {
    throw new InputError(file, "", "a list or an object of flags", "an empty file");
  }
  const value = parseJson(text, file);
  if (value === null || typeof value !== "object") {
    throw new InputError(file, "", "a list or an object of flags", describe(value));
  }
  return value as Parameters<typeof Engine.load>[0];
}

/**
 * Loads an engine from a file: a JSON list of flags, a JSON object of flags by key, or a Halyard
 * image.
 */
export async function readFlags(file: string): Promise<Engine> {
  try {
    return await Engine.load(parseFlags(await readFile(file), file));
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new InputError(file, error.path, error.expected, error.got);
    }
    throw readFailure(file, error);
  }
}
