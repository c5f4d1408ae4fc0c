// MurmurHash3 x86 32 (Austin Appleby, public domain) for what is hashed at load: texts that the
// core will look up, and the salts whose state it continues. Mirrors assembly/murmur3.ts.

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

function mixWord(word: number): number {
  const product = Math.imul(word, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** The state after the whole words of `bytes[start, end)`, from seed 0. */
export function stateOfWords(bytes: Uint8Array, start: number, end: number): number {
  const wordEnd = start + ((end - start) & ~3);
  let state = 0;
  for (let at = start; at < wordEnd; at += 4) {
    state ^= mixWord(wordAt(bytes, at));
    state = (Math.imul((state << 13) | (state >>> 19), 5) + 0xe6546b64) | 0;
  }
  return state;
}

/** The 0..3 bytes behind the whole words, little-endian. */
export function tailOf(bytes: Uint8Array, start: number, end: number): number {
  const count = (end - start) & 3;
  let tail = 0;
  for (let i = 0; i < count; i++) tail |= bytes[end - count + i] << (8 * i);
  return tail;
}

/** Hash of `bytes[start, end)`, seed 0, as an unsigned 32-bit number. */
export function murmur3(bytes: Uint8Array, start: number, end: number): number {
  let state = stateOfWords(bytes, start, end);
  if ((end - start) & 3) state ^= mixWord(tailOf(bytes, start, end));
  state ^= end - start;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
