// Texts as bytes: UTF-8 that keeps lone surrogates as three bytes (WTF-8), as the oracle hashes.

const encoder = new TextEncoder();

/** Below this length a loop over the characters beats the call into the encoder. */
const SHORT_TEXT = 16;

/** The most bytes a text can take. */
export function bytesMax(text: string): number {
  return text.length * 3;
}

/**
 * Writes `text` at `at`; answers the bytes written.
 * The caller has made room for {@link bytesMax} bytes.
 */
export function writeText(text: string, target: Uint8Array, at: number): number {
  const length = text.length;
  if (length > SHORT_TEXT) {
    const { written } = encoder.encodeInto(text, target.subarray(at, at + length * 3));
    // As many bytes as units: all ASCII. Else the encoder may have replaced a lone surrogate.
    if (written === length) return written;
    return writeUnits(text, target, at);
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return writeUnits(text, target, at);
    target[at + i] = unit;
  }
  return length;
}

/** The bytes of one text. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(bytesMax(text));
  return bytes.subarray(0, writeText(text, bytes, 0));
}

function writeUnits(text: string, target: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point < 0x80) {
      target[at++] = point;
    } else if (point < 0x800) {
      target[at++] = 0xc0 | (point >> 6);
      target[at++] = 0x80 | (point & 63);
    } else if (point < 0x10000) {
      target[at++] = 0xe0 | (point >> 12);
      target[at++] = 0x80 | ((point >> 6) & 63);
      target[at++] = 0x80 | (point & 63);
    } else {
      i++;
      target[at++] = 0xf0 | (point >> 18);
      target[at++] = 0x80 | ((point >> 12) & 63);
      target[at++] = 0x80 | ((point >> 6) & 63);
      target[at++] = 0x80 | (point & 63);
    }
  }
  return at - start;
}

/** Whether the text has no lone surrogate. */
export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point >= 0xd800 && point <= 0xdfff) return false;
    if (point > 0xffff) i++;
  }
  return true;
}

/** "TRUE", "False", … in lower case; any other text as it is: how `is` sees booleans. */
export function foldBoolean(text: string): string {
  if (text.length !== 4 && text.length !== 5) return text;
  const lower = text.toLowerCase();
  return lower === "true" || lower === "false" ? lower : text;
}
