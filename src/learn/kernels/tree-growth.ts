/** What `tree-growth.wasm` exports; see `assembly/tree-growth.ts` for what lies where. All numbers but counts are addresses. */
export interface TreeGrowth extends WebAssembly.Exports {
  prepare(
    rowCount: number,
    columnCount: number,
    columnsTried: number,
    /** 0 but for more than two. */
    classCount: number,
    minRows: number,
    depthMax: number,
    isRandomCut: boolean,
    bins: number,
    targets: number,
    units: number,
    labels: number,
    weights: number,
  ): void;
  own(
    draws: number,
    rows: number,
    stats: number,
    spareRows: number,
    spareStats: number,
    cells: number,
    scratch: number,
    nodes: number,
    vectors: number,
  ): void;
  /** Rows of the tree. */
  plant(seed: number, bootstrap: boolean): number;
  /** Whether there is more to do. */
  grow(budget: number): number;
  settled(): number;
  nodesGrown(): number;
  vectorsMade(): number;
}

/** Bytes of a node: column i32 (-1: leaf), cut u32 (bin | missing left << 8), left child u32, vector i32 (-1: none), gain f64, value f64, cover f64. */
export const NODE_BYTES = 40;

/** Bytes of a thread's scratch memory. */
export const scratchBytes = (classCount: number, columnCount: number) => 64 + 64 * 32 + 16 * classCount + 4 * columnCount;
