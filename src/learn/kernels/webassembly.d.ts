/** What we use of WebAssembly: TypeScript declares it only together with a browser's whole page. */
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Exports;
  }
  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(sizes: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
    /** Error: a RangeError when the maximum is passed or the machine has no more. */
    grow(pages: number): number;
  }
  class RuntimeError extends Error {}
}
