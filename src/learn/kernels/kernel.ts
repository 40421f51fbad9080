/**
 * Kernels: inner loops in WebAssembly with SIMD, compiled from `assembly/NAME.ts` (AssemblyScript) into `NAME.wasm`, which is checked in
 * (`npm run kernels`; a test proves it fresh). They see one memory, shared by all threads of a crew (`arena.ts`), and take addresses in it: a typed
 * array's `byteOffset`.
 *
 * A kernel is called for some thousand rows, never for all of them at once: WebAssembly changes to its optimised code between calls, not within one.
 */
import { readFileSync } from "node:fs";

const modules = new Map<string, WebAssembly.Module>();

/** Exports of `NAME.wasm`, on this memory. */
export function instantiateKernel<Exports extends WebAssembly.Exports>(name: string, memory: WebAssembly.Memory): Exports {
  let module = modules.get(name);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(new URL(`${name}.wasm`, import.meta.url)));
    modules.set(name, module);
  }
  return new WebAssembly.Instance(module, { env: { memory, abort } }).exports as Exports;
}

function abort(): never {
  throw new WebAssembly.RuntimeError("A kernel came upon what its caller should have ruled out.");
}
