/** What `products.wasm` exports; layouts stand in `assembly/products.ts`. All arrays by their addresses. */
export interface ProductsKernel extends WebAssembly.Exports {
  addProducts(a: number, b: number, columns: number, rows: number, out: number): void;
  shift(values: number, rows: number, by: number, range: number): void;
}
