// A core whose bytes are part of a module, as hexadecimal digits.

export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16),
  );
}

/** Old browsers refuse it on the main thread. */
export function compileBytesSync(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  return new WebAssembly.Module(bytes);
}

/** As {@link compileBytesSync}, also where only asynchronous compilation is allowed. */
export async function compileBytes(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  const module = await WebAssembly.compile(bytes);
  // Old browsers make instances on the main thread of the smallest modules only: better find out
  // now, while there is another build to go to.
  new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
  return module;
}
