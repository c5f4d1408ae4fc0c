// MurmurHash3 x86 32 (Austin Appleby, public domain: smhasher/src/MurmurHash3.cpp).

const C1: u32 = 0xcc9e2d51;
const C2: u32 = 0x1b873593;

export function mixWord(word: u32): u32 {
  return rotl<u32>(word * C1, 15) * C2;
}

export function mixState(state: u32, mixed: u32): u32 {
  return rotl<u32>(state ^ mixed, 13) * 5 + 0xe6546b64;
}

export function finish(state: u32): u32 {
  state ^= state >>> 16;
  state *= 0x85ebca6b;
  state ^= state >>> 13;
  state *= 0xc2b2ae35;
  return state ^ (state >>> 16);
}

/** The 0..3 bytes at `pointer`, little-endian; never reads past them. */
function partialWord(pointer: usize, bytes: u32): u32 {
  let word: u32 = 0;
  if (bytes >= 1) word = load<u8>(pointer);
  if (bytes >= 2) word |= <u32>load<u8>(pointer, 1) << 8;
  if (bytes == 3) word |= <u32>load<u8>(pointer, 2) << 16;
  return word;
}

/**
 * Hash of a prefix and then `bytes` bytes at `pointer`. Of the prefix only the state after its
 * whole words (`seed`), the bytes left over (`tail`) and its size are needed, so a salt costs
 * nothing per user.
 */
export function hashAfter(seed: u32, tail: u32, prefix: u32, pointer: usize, bytes: u32): u32 {
  const left = prefix & 3;
  const shift = left << 3;
  // A shift by 32 is a shift by 0 in wasm, so an aligned prefix carries nothing by mask instead.
  const carryMask: u32 = left ? 0xffffffff : 0;
  const carryShift = 32 - shift;
  const end = pointer + (bytes & ~3);
  let state = seed;
  let carry = tail;
  for (; pointer < end; pointer += 4) {
    const word = load<u32>(pointer, 0, 1);
    state = mixState(state, mixWord(carry | (word << shift)));
    carry = (word >>> carryShift) & carryMask;
  }
  const word = partialWord(pointer, bytes & 3);
  let rest = left + (bytes & 3);
  carry |= word << shift;
  if (rest >= 4) {
    state = mixState(state, mixWord(carry));
    carry = word >>> carryShift;
    rest -= 4;
  }
  if (rest) state ^= mixWord(carry);
  return finish(state ^ (prefix + bytes));
}

export function hash(pointer: usize, bytes: u32): u32 {
  return hashAfter(0, 0, 0, pointer, bytes);
}
