type AddTrees = (
  nodes: number,
  roots: number,
  treeCount: number,
  values: number,
  /** 0 where each tree adds to one output. */
  vectorAts: number,
  vectors: number,
  x: number,
  rowBytes: number,
  /** A multiple of 4. */
  rows: number,
  outputs: number,
  scores: number,
) => void;

/** What `trees.wasm` exports; all numbers but counts and sizes are addresses. */
export interface Trees extends WebAssembly.Exports {
  addNumbers: AddTrees;
  /** Where some questions are about sets. */
  addSets: AddTrees;
}
