// The compact core as part of the module itself.

import { core } from "../../../core-compact-inline.js";
import { compileBytes, compileBytesSync, fromHex } from "../core-bytes.ts";

export const compile = () => compileBytes(fromHex(core));
export const compileSync = () => compileBytesSync(fromHex(core));
