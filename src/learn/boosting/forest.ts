/**
 * A forest as flat arrays: the form in which it predicts, is stored and is exported. The children of a node lie side by side, so `right` is `left + 1`.
 * Trees stand in the order of their rounds; with several outputs a round has one tree for each, output 0 first.
 */
export interface Forest {
  /** First node of each tree. */
  readonly roots: Int32Array;
  /** Column of a node's question, -1 for a leaf. */
  readonly columns: Int32Array;
  /** `x <= threshold` goes left. */
  readonly thresholds: Float32Array;
  readonly lefts: Int32Array;
  /** 1 where missing values go left. */
  readonly missingLeft: Uint8Array;
  /** A leaf's addition to the score. */
  readonly values: Float64Array;
  /** What a node's split gained in training. */
  readonly gains: Float64Array;
}

export interface ForestBuilder {
  /** A new tree; answers its root, a leaf of value 0. */
  plant(): number;
  /** Turns a leaf into a question; answers its left child, the right one is the next. */
  split(node: number, column: number, threshold: number, missingLeft: boolean, gain: number): number;
  setValue(node: number, value: number): void;
  /** Removes trees planted since there were `treeCount`. */
  fell(treeCount: number): void;
  finish(): Forest;
}

export function createForestBuilder(): ForestBuilder {
  const roots: number[] = [];
  const columns: number[] = [];
  const thresholds: number[] = [];
  const lefts: number[] = [];
  const missingLefts: number[] = [];
  const values: number[] = [];
  const gains: number[] = [];
  const fields = [columns, thresholds, lefts, missingLefts, values, gains];
  const addLeaf = () => {
    columns.push(-1);
    for (const field of fields.slice(1)) field.push(0);
    return columns.length - 1;
  };
  return {
    plant: () => {
      roots.push(addLeaf());
      return roots.at(-1)!;
    },
    split: (node, column, threshold, missingLeft, gain) => {
      const left = addLeaf();
      addLeaf();
      columns[node] = column;
      thresholds[node] = threshold;
      missingLefts[node] = missingLeft ? 1 : 0;
      gains[node] = gain;
      lefts[node] = left;
      return left;
    },
    setValue: (node, value) => {
      values[node] = value;
    },
    fell: (treeCount) => {
      const nodeCount = roots[treeCount] ?? columns.length;
      roots.length = Math.min(treeCount, roots.length);
      for (const field of fields) field.length = nodeCount;
    },
    finish: () => ({
      roots: Int32Array.from(roots),
      columns: Int32Array.from(columns),
      thresholds: Float32Array.from(thresholds),
      lefts: Int32Array.from(lefts),
      missingLeft: Uint8Array.from(missingLefts),
      values: Float64Array.from(values),
      gains: Float64Array.from(gains),
    }),
  };
}

/**
 * Adds the leaves' values to `scores` (rowCount x outputs), tree by tree. `x` is row-major float32, columnCount wide, NaN for missing.
 * For each row the trees are added in order, so that one row and many rows give the same sums bit for bit.
 */
export function addTrees(
  forest: Forest,
  x: Float32Array,
  columnCount: number,
  rowCount: number,
  outputs: number,
  scores: Float64Array,
): void {
  const { roots, columns, thresholds, lefts, missingLeft, values } = forest;
  for (let tree = 0; tree < roots.length; tree++) {
    const root = roots[tree]!;
    const output = tree % outputs;
    for (let row = 0, first = 0; row < rowCount; row++, first += columnCount) {
      let node = root;
      let column = columns[node]!;
      while (column >= 0) {
        const value = x[first + column]!;
        const threshold = thresholds[node]!;
        if (value <= threshold) node = lefts[node]!;
        else if (value > threshold) node = lefts[node]! + 1;
        else node = lefts[node]! + 1 - missingLeft[node]!;
        column = columns[node]!;
      }
      scores[row * outputs + output]! += values[node]!;
    }
  }
}
