import { createReadStream } from "node:fs";
import { readLines } from "../../sdk/lines.ts";

/**
 * The ids of a file with an id a line, as they are read; blank lines are none.
 *
 * @throws what reading throws, also for bytes that are not UTF-8
 */
export async function* idsOfLines(path: string, signal?: AbortSignal): AsyncGenerator<string> {
  for await (const { text } of readLines(createReadStream(path, { signal }))) {
    const id = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (id.trim() !== "") yield id;
  }
}
