// Byte strings: equality, containment, order.

export function equals(a: usize, b: usize, bytes: u32): bool {
  const end = a + bytes;
  if (ASC_FEATURE_SIMD) {
    const blockEnd = a + (bytes & ~15);
    for (; a < blockEnd; a += 16, b += 16) {
      if (v128.any_true(v128.xor(v128.load(a, 0, 1), v128.load(b, 0, 1)))) return false;
    }
  }
  const wordEnd = a + ((<u32>(end - a)) & ~3);
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
  if (ASC_FEATURE_SIMD) {
    // Sixteen places at a time: those whose first byte fits. All sixteen lie inside the text.
    const pattern = i8x16.splat(first);
    for (; text + 15 <= last; text += 16) {
      let places = i8x16.bitmask(i8x16.eq(v128.load(text, 0, 1), pattern));
      while (places) {
        if (equals(text + ctz(places), needle, needleBytes)) return true;
        places &= places - 1;
      }
    }
  }
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
