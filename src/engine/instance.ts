// An instance of the core on a memory: one per thread, another one after a trap.

import { LAYOUT_VERSION } from "../../assembly/layout.ts";
import type { CoreModule } from "./core.ts";
import { CoreError } from "./errors.ts";
import type { Memory } from "./memory.ts";

/**
 * The core's exports (assembly/index.ts). Arguments are absolute addresses, but for the indices
 * `flag`, `predicate`, `slot` and `cohort`, and the slots of a table in `copyMembers`.
 */
export interface CoreExports {
  layoutVersion(): number;
  sealImage(image: number): void;
  isSealed(image: number): number;
  openSession(session: number, root: number, seat: number): void;
  sessionSize(image: number): number;
  hold(session: number): number;
  release(session: number): void;
  run(session: number): number;
  runFlag(session: number, flag: number): number;
  sweep(session: number): number;
  decidePredicate(session: number, predicate: number): number;
  bucketSegment(session: number, segment: number): number;
  isSlotMember(session: number, slot: number, cohort: number): number;
  addMembers(table: number, at: number, end: number, scratch: number): number;
  copyMembers(from: number, to: number, slot: number, end: number): number;
}

export class Instance {
  readonly core: CoreExports;
  readonly memory: Memory;

  constructor(module: CoreModule, memory: Memory) {
    this.memory = memory;
    let version: number;
    try {
      this.core = module.instantiate(memory.core) as unknown as CoreExports;
      version = this.core.layoutVersion();
    } catch (cause) {
      const kind = memory.isShared ? "shared" : "private";
      const message = `module: expected a core for ${kind} memory, got another module`;
      throw new CoreError("wrong-module", message, { cause });
    }
    if (version !== LAYOUT_VERSION) {
      throw new CoreError("layout-version", `expected core ${LAYOUT_VERSION}, got ${version}`);
    }
  }
}
