/** What `rows.wasm` exports; addresses are bytes, rows are counted. Meanings: `assembly/rows.ts`. */
export interface RowsKernel extends WebAssembly.Exports {
  setAside(rows: number, from: number, to: number, bins: number, sides: number, left: number, right: number): number;
  enumerate(rows: number, from: number, to: number): void;
  copyRows(from: number, to: number, count: number): void;
  mark(rows: number, from: number, to: number, leaves: number, node: number): void;
  findLeaves(rows: number, from: number, to: number, bins: number, stride: number, nodes: number, leaves: number): void;
  addValues(leaves: number, from: number, to: number, nodes: number, scores: number, stride: number): void;
}

/** Bytes of a node that a tree's walk reads. */
export const NODE_BYTES = 48;
