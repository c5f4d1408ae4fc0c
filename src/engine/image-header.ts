// Whether bytes begin as an image does.

import {
  IMAGE_CHECKSUM,
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  IMAGE_SIZE,
  IMAGE_SIZE_MAX,
  IMAGE_VERSION,
  LAYOUT_VERSION,
  MAGIC,
} from "../../assembly/layout.ts";
import { ConfigError, type ConfigErrorCode } from "./errors.ts";

/** @throws {@link ConfigError} for what is no image of this layout; the seal is the core's part. */
export function checkHeader(image: Uint8Array): void {
  const fail = (code: ConfigErrorCode, expected: string, got: string): never => {
    throw new ConfigError(code, "image", expected, got);
  };
  const size = image.byteLength;
  if (size < IMAGE_HEADER_SIZE)
    fail("invalid-image", `at least ${IMAGE_HEADER_SIZE} bytes`, `${size}`);
  if (size > IMAGE_SIZE_MAX) fail("too-large", `at most ${IMAGE_SIZE_MAX} bytes`, `${size}`);
  const header = new DataView(image.buffer, image.byteOffset, IMAGE_HEADER_SIZE);
  const magic = header.getUint32(IMAGE_MAGIC, true);
  if (magic !== MAGIC) fail("invalid-image", "a Halyard image", "other bytes");
  const version = header.getUint32(IMAGE_VERSION, true);
  if (version !== LAYOUT_VERSION) fail("image-version", `version ${LAYOUT_VERSION}`, `${version}`);
  const stated = header.getUint32(IMAGE_SIZE, true);
  if (stated !== size) fail("invalid-image", `${stated} bytes`, `${size}`);
  // The gap between the size and the checksum is the one place the checksum does not cover.
  for (let at = IMAGE_SIZE + 4; at < IMAGE_CHECKSUM; at++) {
    if (image[at] !== 0) fail("invalid-image", "an intact header", "a damaged one");
  }
}
