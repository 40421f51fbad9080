/** What `histogram.wasm` exports; addresses are bytes, `shift` is a BigInt. Meanings: `assembly/histogram.ts`. */
export interface HistogramKernel extends WebAssembly.Exports {
  addRows(
    records: number,
    stride: number,
    columns: number,
    rows: number,
    from: number,
    to: number,
    shift: bigint,
    scratch: number,
    histogram: number,
  ): void;
  clearColumn(column: number, binCount: number): void;
  reduceColumn(child: number, helpers: number, apart: number, count: number, parent: number, binCount: number): void;
  readColumn(column: number, binCount: number, shift: bigint, to: number): void;
  scanColumn(
    column: number,
    cuts: number,
    missingLeft: boolean,
    shift: bigint,
    perGradient: number,
    perHessian: number,
    gradientAll: number,
    hessianAll: number,
    rowsAll: number,
    rowsMin: number,
    hessianMin: number,
    l2: number,
    parent: number,
    gainMin: number,
    result: number,
  ): number;
}

/** Bytes of one column's histogram. */
export const COLUMN_BYTES = 4096;

/** Bytes that `addRows` works in. */
export const histogramScratchBytes = (stride: number) => Math.max(131_072, 128 * (16 + stride));
