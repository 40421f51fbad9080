/** 32-bit words of a set of bins. */
export const SET_WORDS = 8;

/**
 * A forest as flat arrays: the form in which it predicts, is stored and is exported. The children of a node lie side by side, so `right` is `left + 1`.
 * Trees stand in the order of their rounds; with several outputs a round has one tree for each, output 0 first.
 */
export interface Forest {
  /** First node of each tree. */
  readonly roots: Int32Array;
  /** Column of a node's question, -1 for a leaf. */
  readonly columns: Int32Array;
  /** Of a question about a number: `x <= threshold` goes left. */
  readonly thresholds: Float32Array;
  /** Of a question about a text: where its set begins in `setWords`, -1 for a number. */
  readonly setAts: Int32Array;
  /** Sets of bins that go left, 256 bits each, the lowest bit of the first word being bin 0. */
  readonly setWords: Int32Array;
  readonly lefts: Int32Array;
  /** 1 where missing values go left. */
  readonly missingLeft: Uint8Array;
  /** A leaf's addition to the score. */
  readonly values: Float64Array;
  /** What a node's split gained in training. */
  readonly gains: Float64Array;
  /** What the training rows that came to each node weigh together; null in models that were stored before it was kept. */
  readonly covers: Float64Array | null;
  /** Where a leaf adds to every output, as with shares of classes, what it adds; null where each tree adds `values` to one output. */
  readonly vectors: LeafVectors | null;
}

export interface LeafVectors {
  /** Numbers of a vector: the outputs. */
  readonly width: number;
  /** Of a leaf: where its vector begins in `values`, in vectors; leaves may share one. -1 for a question. */
  readonly ats: Int32Array;
  readonly values: Float64Array;
}

export interface Question {
  readonly column: number;
  readonly threshold: number;
  /** The bins that go left, for a text; null for a number. */
  readonly set: Int32Array | null;
  readonly missingLeft: boolean;
  readonly gain: number;
}

export interface ForestBuilder {
  /** A new tree; answers its root, a leaf of value 0. */
  plant(): number;
  /** Turns a leaf into a question; answers its left child, the right one is the next. */
  split(node: number, question: Question): number;
  setValue(node: number, value: number): void;
  /** What the training rows of a node weigh together; of all nodes or of none. */
  setCover(node: number, cover: number): void;
  /** Removes trees planted since there were `treeCount`. */
  fell(treeCount: number): void;
  finish(): Forest;
}

/** Empty, or with the trees of a forest to go on with. */
export function createForestBuilder(before?: Forest): ForestBuilder {
  const listOf = (values: Iterable<number> | null | undefined) => Array.from(values ?? []);
  const roots = listOf(before?.roots);
  const columns = listOf(before?.columns);
  const thresholds = listOf(before?.thresholds);
  const lefts = listOf(before?.lefts);
  const missingLefts = listOf(before?.missingLeft);
  const values = listOf(before?.values);
  const gains = listOf(before?.gains);
  const covers = listOf(before?.covers);
  const setAts = listOf(before?.setAts);
  const setWords = listOf(before?.setWords);
  const fields = [columns, thresholds, lefts, missingLefts, values, gains, covers, setAts];
  const addLeaf = () => {
    for (const field of fields) field.push(field === columns || field === setAts ? -1 : 0);
    return columns.length - 1;
  };
  return {
    plant: () => {
      roots.push(addLeaf());
      return roots.at(-1)!;
    },
    split: (node, { column, threshold, set, missingLeft, gain }) => {
      const left = addLeaf();
      addLeaf();
      columns[node] = column;
      thresholds[node] = threshold;
      missingLefts[node] = missingLeft ? 1 : 0;
      gains[node] = gain;
      lefts[node] = left;
      if (set !== null) {
        setAts[node] = setWords.length;
        setWords.push(...set);
      }
      return left;
    },
    setValue: (node, value) => {
      values[node] = value;
    },
    setCover: (node, cover) => {
      covers[node] = cover;
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
      setAts: Int32Array.from(setAts),
      setWords: Int32Array.from(setWords),
      covers: covers.some((cover) => cover > 0) ? Float64Array.from(covers) : null,
      vectors: null,
    }),
  };
}

/**
 * Adds the leaves' values to `scores` (rowCount x outputs), tree by tree. `x` is row-major float32, columnCount wide: numbers as
 * they are, texts as their bins, NaN for missing.
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
  const { roots, columns, thresholds, lefts, missingLeft, values, setAts, setWords, vectors } = forest;
  for (let tree = 0; tree < roots.length; tree++) {
    const root = roots[tree]!;
    const output = tree % outputs;
    for (let row = 0, first = 0; row < rowCount; row++, first += columnCount) {
      let node = root;
      let column = columns[node]!;
      while (column >= 0) {
        const value = x[first + column]!;
        const set = setAts[node]!;
        let left: boolean;
        if (Number.isNaN(value)) left = missingLeft[node] === 1;
        else left = set < 0 ? value <= thresholds[node]! : isInSet(setWords, set, value);
        node = left ? lefts[node]! : lefts[node]! + 1;
        column = columns[node]!;
      }
      if (vectors === null) scores[row * outputs + output]! += values[node]!;
      else addVector(vectors, node, scores, row * outputs);
    }
  }
}

function addVector({ width, ats, values }: LeafVectors, leaf: number, scores: Float64Array, at: number): void {
  const from = ats[leaf]! * width;
  for (let k = 0; k < width; k++) scores[at + k]! += values[from + k]!;
}

/** Whether `bin` is in the set that begins at `at`. */
export const isInSet = (setWords: Int32Array, at: number, bin: number) =>
  ((setWords[at + (bin >>> 5)]! >>> (bin & 31)) & 1) === 1;
