// Byte strings: equality, containment, order.

export function equals(a: usize, b: usize, bytes: u32): bool {
  const end = a + bytes;
  const wordEnd = a + (bytes & ~3);
  for (; a < wordEnd; a += 4, b += 4) {
    if (load<u32>(a, 0, 1) != load<u32>(b, 0, 1)) return false;
  }
  for (; a < end; a++, b++) {
    if (load<u8>(a) != load<u8>(b)) return false;
  }
  return true;
}

export function contains(text: usize, bytes: u32, needle: usize, needleBytes: u32): bool {
  if (needleBytes == 0) return true;
  if (needleBytes > bytes) return false;
  const first = load<u8>(needle);
  const last = text + bytes - needleBytes;
  for (; text <= last; text++) {
    if (load<u8>(text) == first && equals(text, needle, needleBytes)) return true;
  }
  return false;
}

/** Negative, 0 or positive as `a` sorts before, with or after `b`, by bytes. */
export function compare(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const bytes = min(aBytes, bBytes);
  for (let i: u32 = 0; i < bytes; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference) return difference;
  }
  return <i32>aBytes - <i32>bBytes;
}
