// A thread that evaluates on the store of another one.

import { LAYOUT_VERSION, MAGIC } from "../../assembly/layout.ts";
import {
  BACKEND_WASM_SIMD,
  STORE,
  STORE_BACKEND,
  STORE_MAGIC,
  STORE_SIZE,
  STORE_VERSION,
} from "../../assembly/store-layout.ts";
import { Attachment } from "./attachment.ts";
import { type CoreModule, wasmModule } from "./core.ts";
import { CoreError, type EngineWarning } from "./errors.ts";
import { Instance } from "./instance.ts";
import { Memory } from "./memory.ts";
import { Owner } from "./owner.ts";
import { GrownRoom } from "./seat.ts";
import { withUnknownCohorts } from "./unknown-cohorts.ts";

/** What a thread needs to attach to an engine; can be cloned to any other thread. */
export interface EngineHandle {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

export class Guest {
  readonly module: CoreModule;
  readonly attachment: Attachment;

  /** @throws {@link CoreError} for what is no handle, or one of another version */
  constructor(handle: EngineHandle) {
    const memory = memoryOf(handle);
    const module = wasmModule(handle.module, backendIn(memory), true);
    this.module = module;
    this.attachment = new Attachment({
      module,
      instance: new Instance(module, memory),
      room: new GrownRoom(memory),
      isGuest: true,
      revive: Owner.reviver(module),
    });
  }

  get warnings(): readonly EngineWarning[] {
    const session = this.attachment.hold();
    try {
      const { warnings, cohorts } = session.config.names;
      return withUnknownCohorts(warnings, cohorts, (index) => session.hasCohort(index));
    } finally {
      this.attachment.giveBack(session);
    }
  }
}

function memoryOf(handle: EngineHandle): Memory {
  const { memory, module } = handle ?? {};
  // In this order: where there is no WebAssembly nobody has either.
  if (memory && memory instanceof WebAssembly.Memory && module instanceof WebAssembly.Module) {
    const shared = new Memory(memory, true);
    if (shared.size >= STORE + STORE_SIZE) return shared;
  }
  throw new CoreError(
    "not-shared",
    "attach: expected what engine.handle() gave, got another value",
  );
}

function backendIn({ views: { u32 } }: Memory): "wasm-simd" | "wasm" {
  const word = (field: number) => u32[(STORE + field) >>> 2];
  if (word(STORE_MAGIC) !== MAGIC) {
    throw new CoreError("not-shared", "attach: expected a memory of Halyard, got another one");
  }
  if (word(STORE_VERSION) !== LAYOUT_VERSION) {
    const got = word(STORE_VERSION);
    throw new CoreError("layout-version", `attach: expected layout ${LAYOUT_VERSION}, got ${got}`);
  }
  return word(STORE_BACKEND) === BACKEND_WASM_SIMD ? "wasm-simd" : "wasm";
}
