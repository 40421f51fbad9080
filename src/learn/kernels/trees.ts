/** What `trees.wasm` exports; all numbers but counts are addresses. */
export interface Trees extends WebAssembly.Exports {
  add(
    trees: number,
    treeCount: number,
    /** 0 where each tree adds to one output. */
    vectors: number,
    x: number,
    columns: number,
    /** Of 16 rows. */
    groups: number,
    hasMissing: boolean,
    outputs: number,
    scores: number,
  ): void;
  /** For one row, all trees being laid out to be walked; `x` is the first place of a group. */
  addRow(
    trees: number,
    treeCount: number,
    vectors: number,
    x: number,
    hasMissing: boolean,
    hasSets: boolean,
    outputs: number,
    scores: number,
  ): void;
}
