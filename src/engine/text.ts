// Texts as bytes: UTF-8 that keeps lone surrogates as three bytes (WTF-8), as the oracle hashes.

const encoder = new TextEncoder();

/** Up to this length a loop over the characters beats the call into the encoder. */
const SHORT_TEXT = 40;

/** The most bytes a text can take. */
export function bytesMax(text: string): number {
  return text.length * 3;
}

/**
 * Writes `text` at `at`, a multiple of 4; answers the bytes written.
 * The caller has made room for {@link bytesMax} bytes and the rest of the last word.
 *
 * @param words - the same memory as `target`
 */
export function writeText(
  text: string,
  target: Uint8Array,
  words: Uint32Array,
  at: number,
): number {
  const length = text.length;
  if (length > SHORT_TEXT) {
    const written = encodeInto(text, target.subarray(at, at + length * 3));
    // As many bytes as units: all ASCII. Else the encoder may have replaced a lone surrogate.
    return written === length ? written : writeUnits(text, target, at);
  }
  let to = at >>> 2;
  let units = 0;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    units |= a | b | c | d;
    words[to++] = a | (b << 8) | (c << 16) | (d << 24);
  }
  if (i < length) {
    let word = 0;
    for (let shift = 0; i < length; i++, shift += 8) {
      const unit = text.charCodeAt(i);
      units |= unit;
      word |= unit << shift;
    }
    words[to] = word;
  }
  return units > 127 ? writeUnits(text, target, at) : length;
}

/** Browsers refuse to encode into memory that threads share. */
let isRefused = false;

function encodeInto(text: string, target: Uint8Array): number {
  if (!isRefused) {
    try {
      return encoder.encodeInto(text, target).written;
    } catch {
      isRefused = true;
    }
  }
  const bytes = encoder.encode(text);
  target.set(bytes);
  return bytes.length;
}

const scratch = new Uint32Array(1024);
const scratchBytes = new Uint8Array(scratch.buffer);

/** The bytes of one text; good until the next call. */
export function bytesOf(text: string): Uint8Array {
  const isShort = bytesMax(text) < scratchBytes.length;
  const words = isShort ? scratch : new Uint32Array((bytesMax(text) >>> 2) + 1);
  const bytes = isShort ? scratchBytes : new Uint8Array(words.buffer);
  return bytes.subarray(0, writeText(text, bytes, words, 0));
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
