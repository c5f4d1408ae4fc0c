// A member's fingerprint: MurmurHash3 x64 128 (Austin Appleby, public domain:
// smhasher/src/MurmurHash3.cpp), seed 0, of which 96 bits are kept.

const C1: u64 = 0x87c37b91114253d5;
const C2: u64 = 0x4cf5ad432745937f;

function mixFirst(word: u64): u64 {
  return rotl<u64>(word * C1, 31) * C2;
}

function mixSecond(word: u64): u64 {
  return rotl<u64>(word * C2, 33) * C1;
}

function finish(state: u64): u64 {
  state = (state ^ (state >>> 33)) * 0xff51afd7ed558ccd;
  state = (state ^ (state >>> 33)) * 0xc4ceb9fe1a85ec53;
  return state ^ (state >>> 33);
}

/** The 0..8 bytes at `pointer`, little-endian; never reads past them. */
function partialWord(pointer: usize, bytes: u32): u64 {
  if (bytes >= 8) return load<u64>(pointer, 0, 1);
  let word: u64 = 0;
  let shift: u64 = 0;
  if (bytes & 4) {
    word = load<u32>(pointer, 0, 1);
    pointer += 4;
    shift = 32;
  }
  for (bytes &= 3; bytes > 0; bytes--, pointer++, shift += 8) {
    word |= <u64>load<u8>(pointer) << shift;
  }
  return word;
}

/** Stores the hash of `bytes` bytes at `pointer`: its upper half's upper word, its lower half. */
export function storeFingerprint(to: usize, pointer: usize, bytes: u32): void {
  let a: u64 = 0;
  let b: u64 = 0;
  const end = pointer + (bytes & ~15);
  for (; pointer < end; pointer += 16) {
    a = (rotl<u64>(a ^ mixFirst(load<u64>(pointer, 0, 1)), 27) + b) * 5 + 0x52dce729;
    b = (rotl<u64>(b ^ mixSecond(load<u64>(pointer, 8, 1)), 31) + a) * 5 + 0x38495ab5;
  }
  const left = bytes & 15;
  if (left > 8) b ^= mixSecond(partialWord(pointer + 8, left - 8));
  if (left) a ^= mixFirst(partialWord(pointer, left));
  a ^= bytes;
  b ^= bytes;
  a += b;
  b += a;
  a = finish(a);
  b = finish(b);
  a += b;
  b += a;
  store<u32>(to, <u32>(a >>> 32));
  // 0 marks a free slot.
  store<u64>(to, b ? b : 1, 4, 4);
}
