import { createReadStream } from "node:fs";
import { JSONParser } from "@streamparser/json";

/** A JSON file that is being read. */
export interface OpenJson {
  /** Whether it is a list: of ids. */
  readonly isList: boolean;
  /** From its first bracket on. */
  readonly chunks: AsyncGenerator<Uint8Array>;
}

const OPENING_BRACKET = "[".charCodeAt(0);
/** White space, and the bytes of a byte order mark. */
const SKIPPED: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

/** @throws what reading throws */
export async function openJson(path: string, signal?: AbortSignal): Promise<OpenJson> {
  const stream = createReadStream(path, { signal });
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await chunks.next();
    const start = done ? 0 : value.findIndex((byte: number) => !SKIPPED.has(byte));
    if (start < 0) continue;
    const first: Uint8Array = done ? new Uint8Array() : value.subarray(start);
    const close = () => stream.destroy();
    return { isList: first[0] === OPENING_BRACKET, chunks: chunksOf(first, chunks, close) };
  }
}

async function* chunksOf(
  first: Uint8Array,
  others: AsyncIterator<Uint8Array>,
  close: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await others.next(); !next.done; next = await others.next()) yield next.value;
  } finally {
    close();
  }
}

/** Passes bytes on; throws a TypeError for what is not UTF-8, as `TextDecoder` does. */
export async function* onlyUtf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of chunks) {
    decoder.decode(chunk, { stream: true });
    yield chunk;
  }
  decoder.decode();
}

/**
 * The texts of a JSON list, as they come.
 *
 * @throws Error for anything else
 */
export async function* idsOfList(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let ids: string[] = [];
  // Nothing but the elements, or the parser would keep the list of all for its end.
  const parser = new JSONParser({ paths: ["$.*"], keepStack: false });
  let wrong = "expected JSON";
  parser.onValue = ({ value }) => {
    if (typeof value === "string") ids.push(value);
    else throw new Error((wrong = "expected a list of texts"));
  };
  for await (const chunk of chunks) {
    try {
      parser.write(chunk);
    } catch {
      // The parser's own errors may quote what has come, which is members.
      throw new Error(wrong);
    }
    yield* ids;
    ids = [];
  }
  if (!parser.isEnded) throw new Error("expected JSON, got a part of it");
}
