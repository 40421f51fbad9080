/** What `rows.wasm` exports; addresses are bytes, rows are counted. Meanings: `assembly/rows.ts`. */
export interface RowsKernel extends WebAssembly.Exports {
  setAside(rows: number, from: number, to: number, bins: number, sides: number, left: number, right: number): number;
  enumerate(rows: number, from: number, to: number): void;
  copyRows(from: number, to: number, count: number): void;
  addToScores(rows: number, from: number, to: number, scores: number, stride: number, value: number): void;
  addLeaves(
    rows: number,
    from: number,
    to: number,
    bins: number,
    stride: number,
    nodes: number,
    scores: number,
    scoreStride: number,
  ): void;
}

/** Bytes of a node that `addLeaves` reads. */
export const NODE_BYTES = 48;
