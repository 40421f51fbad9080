/** What `binning.wasm` exports; addresses are bytes. Meanings: `assembly/binning.ts`. */
export interface BinningKernel extends WebAssembly.Exports {
  sort(values: number, beside: number, count: number, counters: number): void;
  /** 1 where there was a NaN, plus 2 where there was an infinite value. */
  assign(values: number, count: number, edges: number, bins: number, records: number, stride: number): number;
}

export const SORT_COUNTER_BYTES = 24_576;
