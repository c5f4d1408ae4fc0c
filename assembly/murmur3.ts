// MurmurHash3 x86 32 (Austin Appleby, public domain: smhasher/src/MurmurHash3.cpp).

const C1: u32 = 0xcc9e2d51;
const C2: u32 = 0x1b873593;
const N: u32 = 0xe6546b64;
const F1: u32 = 0x85ebca6b;
const F2: u32 = 0xc2b2ae35;

export function mixWord(word: u32): u32 {
  return rotl<u32>(word * C1, 15) * C2;
}

export function mixState(state: u32, mixed: u32): u32 {
  return rotl<u32>(state ^ mixed, 13) * 5 + N;
}

export function finish(state: u32): u32 {
  state ^= state >>> 16;
  state *= F1;
  state ^= state >>> 13;
  state *= F2;
  return state ^ (state >>> 16);
}

// The same on four words at a time.

// @ts-ignore: decorator
@inline
function rotate4(words: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(words, bits), i32x4.shr_u(words, 32 - bits));
}

// @ts-ignore: decorator
@inline
export function mixWord4(words: v128): v128 {
  return i32x4.mul(rotate4(i32x4.mul(words, i32x4.splat(C1)), 15), i32x4.splat(C2));
}

// @ts-ignore: decorator
@inline
export function mixState4(state: v128, mixed: v128): v128 {
  const turned = rotate4(v128.xor(state, mixed), 13);
  // Times 5 by a shift and additions of which two can run at once.
  return i32x4.add(i32x4.shl(turned, 2), i32x4.add(turned, i32x4.splat(N)));
}

// @ts-ignore: decorator
@inline
export function finish4(state: v128): v128 {
  state = v128.xor(state, i32x4.shr_u(state, 16));
  state = i32x4.mul(state, i32x4.splat(F1));
  state = v128.xor(state, i32x4.shr_u(state, 13));
  state = i32x4.mul(state, i32x4.splat(F2));
  return v128.xor(state, i32x4.shr_u(state, 16));
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

/**
 * What all prefixes of equal size modulo 4 (`shift` = 8 x that) share of the hash of a value, at
 * `form`: the first word, which the prefix's tail completes; the whole words after it, mixed;
 * the rest, mixed. Answers the number of whole words; 0 = they share nothing.
 * Reads up to 7 bytes behind the value.
 */
export function formWords(form: usize, shift: u32, pointer: usize, bytes: u32): u32 {
  const size = (shift >>> 3) + bytes;
  const words = size >>> 2;
  if (!words) return 0;
  const carryMask: u32 = shift ? 0xffffffff : 0;
  let carry: u32 = 0;
  for (let i: u32 = 0; i < words; i++, pointer += 4) {
    const value = load<u32>(pointer, 0, 1);
    const word = carry | (value << shift);
    store<u32>(form + (i << 2), i ? mixWord(word) : word);
    carry = (value >>> (32 - shift)) & carryMask;
  }
  const restBits = (size & 3) << 3;
  const rest = (carry | (load<u32>(pointer, 0, 1) << shift)) & ((1 << restBits) - 1);
  store<u32>(form + (words << 2), rest ? mixWord(rest) : 0);
  return words;
}

/** The hash of a prefix and a value of which {@link formWords} made `words` words. */
export function hashForm(
  seed: u32,
  tail: u32,
  size: u32,
  form: usize,
  words: u32,
): u32 {
  let state = mixState(seed, mixWord(tail | load<u32>(form)));
  const end = form + (words << 2);
  for (form += 4; form < end; form += 4) state = mixState(state, load<u32>(form));
  return finish(state ^ load<u32>(end) ^ size);
}

export function hash(pointer: usize, bytes: u32): u32 {
  const end = pointer + (bytes & ~3);
  let state: u32 = 0;
  for (; pointer < end; pointer += 4) state = mixState(state, mixWord(load<u32>(pointer, 0, 1)));
  const rest = bytes & 3;
  if (rest) state ^= mixWord(partialWord(pointer, rest));
  return finish(state ^ bytes);
}
