// The core as JavaScript where files cannot be read: a module that is loaded when it is needed.

import type { JsBuild } from "./core.ts";
import { CoreError } from "./errors.ts";

let loaded: JsBuild | undefined;

/** The build; most pages never need it, so it is no part of what they load first. */
export async function jsBuild(): Promise<JsBuild> {
  loaded ??= (await import("../../core.js")) as JsBuild;
  return loaded;
}

/** The build if {@link jsBuild} has been called before. */
export function jsBuildSync(): JsBuild {
  if (loaded) return loaded;
  const message = "loadSync: expected WebAssembly or a JavaScript build that has been loaded";
  throw new CoreError("unavailable", `${message}, got neither; Engine.load loads it`);
}
