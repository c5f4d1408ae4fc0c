// An image's seal: a 64-bit checksum over everything behind it.
// The rounds are those of xxHash64 (Yann Collet); a change in one word always changes the sum.

import { IMAGE_CHECKSUM, IMAGE_SIZE } from "./layout";

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;

function round(sum: u64, word: u64): u64 {
  return rotl<u64>(sum + word * P2, 31) * P1;
}

/** Sum over [image + IMAGE_CHECKSUM + 8, image + size); the host pads that to 32 bytes. */
function checksum(image: usize): u64 {
  const size = load<u32>(image, IMAGE_SIZE);
  let at = image + IMAGE_CHECKSUM + 8;
  const end = image + size;
  let a = P1 + P2;
  let b = P2;
  let c: u64 = 0;
  let d = 0 - P1;
  for (; at < end; at += 32) {
    a = round(a, load<u64>(at, 0, 1));
    b = round(b, load<u64>(at, 8, 1));
    c = round(c, load<u64>(at, 16, 1));
    d = round(d, load<u64>(at, 24, 1));
  }
  let sum = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18) + size;
  sum = (sum ^ (sum >>> 33)) * P2;
  sum = (sum ^ (sum >>> 29)) * P3;
  return sum ^ (sum >>> 32);
}

export function sealImage(image: usize): void {
  store<u64>(image, checksum(image), IMAGE_CHECKSUM);
}

export function isSealed(image: usize): bool {
  return load<u64>(image, IMAGE_CHECKSUM) == checksum(image);
}
