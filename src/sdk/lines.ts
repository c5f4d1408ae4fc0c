/** One line of a text, without its end. */
export interface Line {
  text: string;
  /** Counts from 1. */
  number: number;
  /** Bytes read from the source so far, for a progress bar. */
  bytes: number;
}

/**
 * Splits a byte stream into lines as they arrive. A byte order mark is dropped; bytes that are
 * not UTF-8 throw. Node's readline would replace them silently.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let number = 0;
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    const parts = decoder.decode(chunk, { stream: true }).split("\n");
    parts[0] = rest + parts[0];
    rest = parts.pop()!;
    for (const text of parts) yield { text, number: ++number, bytes };
  }
  rest += decoder.decode();
  if (rest !== "") yield { text: rest, number: ++number, bytes };
}
