// Flags → image: checks, interning, numbering, writing. JSON never enters the core.

import { IMAGE_CHECKSUM, IMAGE_HEADER_SIZE } from "../../assembly/layout.ts";
import type { EngineWarning } from "./errors.ts";
import type { EvaluationFlag } from "./flag.ts";
import { FlagCompiler, type Warn } from "./flag-compiler.ts";
import { ImageTables } from "./image-tables.ts";
import { ImageWriter } from "./image-writer.ts";
import { SAMPLE_FLAG } from "./sample-flag.ts";
import { type Flags, usableFlags, warnInto } from "./usable-flags.ts";

/** The checksum covers what lies behind it, in blocks of this many bytes. */
const BLOCK_SIZE = 32;

/**
 * Compiles flags into an unsealed image. A flag that is malformed is left out with a warning.
 *
 * @throws {@link ConfigError} if `flags` is neither an array nor a record, or is too large
 */
export function compile(flags: Flags): Uint8Array {
  const warnings: EngineWarning[] = [];
  const warn = warnInto(warnings);
  const usable = usableFlags(flags, warnings);
  if (kept.length === 0) {
    kept.push(compilationOf(new Map([[SAMPLE_FLAG.key, SAMPLE_FLAG]]), warn, []));
  }
  const { writer } = compilationOf(usable, warn, warnings);
  return writer.finish(IMAGE_CHECKSUM + 8, BLOCK_SIZE);
}

/**
 * V8 forgets what objects look like when the last one dies, and drops the optimized code for them:
 * one small compilation is kept, or each load after a garbage collection would start cold.
 */
const kept: Compilation[] = [];

interface Compilation {
  compilers: FlagCompiler[];
  tables: ImageTables;
  writer: ImageWriter;
}

function compilationOf(
  flags: ReadonlyMap<string, EvaluationFlag>,
  warn: Warn,
  warnings: readonly EngineWarning[],
): Compilation {
  const tables = new ImageTables([...flags.keys()]);
  const compilers = Array.from(flags.values(), (flag) => new FlagCompiler(tables, flag, warn));
  for (const compiler of compilers) tables.add(compiler.compile());
  const writer = new ImageWriter(IMAGE_HEADER_SIZE);
  tables.writeAll(writer, warnings);
  return { compilers, tables, writer };
}
