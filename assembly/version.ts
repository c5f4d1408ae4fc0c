// Semantic versions, parsed by the host; here only their order.

import {
  VERSION_MAJOR,
  VERSION_MINOR,
  VERSION_PATCH,
  VERSION_PRERELEASE,
  VERSION_PRERELEASE_BYTES,
} from "./layout";
import { compare } from "./text";

/** `a`'s prerelease lies in the session, `b`'s in the image. */
export function compareVersions(session: usize, a: usize, image: usize, b: usize): i32 {
  let x = load<f64>(a, VERSION_MAJOR);
  let y = load<f64>(b, VERSION_MAJOR);
  if (x == y) {
    x = load<f64>(a, VERSION_MINOR);
    y = load<f64>(b, VERSION_MINOR);
  }
  if (x == y) {
    x = load<f64>(a, VERSION_PATCH);
    y = load<f64>(b, VERSION_PATCH);
  }
  if (x != y) return x < y ? -1 : 1;
  const xBytes = load<u32>(a, VERSION_PRERELEASE_BYTES);
  const yBytes = load<u32>(b, VERSION_PRERELEASE_BYTES);
  // A version with a prerelease sorts below the same version without.
  if (!xBytes || !yBytes) return <i32>(yBytes != 0) - <i32>(xBytes != 0);
  return compare(
    session + load<u32>(a, VERSION_PRERELEASE),
    xBytes - 1,
    image + load<u32>(b, VERSION_PRERELEASE),
    yBytes - 1,
  );
}
