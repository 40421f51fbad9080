/** What `dense.wasm` exports: vectors of doubles by their addresses. */
export interface Dense extends WebAssembly.Exports {
  dot(a: number, b: number, length: number): number;
  /** y += factor * x. */
  axpy(factor: number, x: number, y: number, length: number): void;
}
