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
}
