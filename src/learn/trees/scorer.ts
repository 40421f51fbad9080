/** A forest laid out for its kernel: many rows at once, block by block; see `kernels/assembly/trees.ts` for the layout and the two ways through a tree. */
import { type Arena, createArena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { Trees } from "../kernels/trees.ts";
import { addTrees, type Forest } from "./forest.ts";
import { GROUP_ROWS, layForest } from "./layout.ts";

export interface BlockScorer {
  /** Rows of a block, at most. */
  readonly rows: number;
  /** Row-major, rows x outputs: what the trees are added to. */
  readonly scores: Float64Array;
  /** Fills in a column of the block from `values[first]` on: numbers as they are, texts as their bins, NaN for missing. */
  fill(column: number, values: Float64Array, first: number, count: number): void;
  /** Adds all trees for the first `count` rows. */
  add(count: number): void;
}

/** Rows that are scored together stay in the first-level cache, as wide as they are; of large trees a row's path would leave it anyway, and more rows share what was read. */
const BLOCK_BYTES = 32_768;
const BLOCK = 256;
const BLOCK_MIN = 32;
const LARGE_BLOCK = 2048;
const LARGE_TREE = 2048;

export function createBlockScorer(forest: Forest, width: number, outputs: number): BlockScorer {
  const treeCount = forest.roots.length;
  const arena = createArena();
  const rows = blockRows(forest, width);
  const laid = layForest(forest, arena);
  const vectors = layVectors(forest, arena);
  const x = arena.float32(rows * width);
  const scores = arena.float64(rows * outputs);
  const kernel = instantiateKernel<Trees>("trees", arena.memory);
  let hasMissing = false;
  return {
    rows,
    scores,
    fill(column, values, first, count) {
      for (let row = 0, at = column * GROUP_ROWS; row < count; at += width * GROUP_ROWS) {
        const end = Math.min(row + GROUP_ROWS, count);
        for (let place = at; row < end; row++, place++) {
          const value = values[first + row]!;
          x[place] = value;
          if (Number.isNaN(value)) hasMissing = true;
        }
      }
    },
    add(count) {
      const groups = Math.ceil(count / GROUP_ROWS);
      kernel.add(laid, treeCount, vectors, x.byteOffset, width, groups, hasMissing, outputs, scores.byteOffset);
      hasMissing = false;
    },
  };
}

/** Adds all trees to `scores`, one per output, for the one row `x`: the same sums, bit for bit. */
export function createRowScorer(forest: Forest, width: number, outputs: number): (x: Float32Array, scores: Float64Array) => void {
  const arena = createArena();
  const laid = layForest(forest, arena, true);
  const vectors = layVectors(forest, arena);
  const row = arena.float32(width * GROUP_ROWS);
  const sums = arena.float64(outputs);
  const kernel = instantiateKernel<Trees>("trees", arena.memory);
  const treeCount = forest.roots.length;
  const hasSets = forest.setWords.length > 0;
  return (x, scores) => {
    let hasMissing = false;
    for (let column = 0; column < width; column++) {
      const value = x[column]!;
      row[column * GROUP_ROWS] = value;
      if (Number.isNaN(value)) hasMissing = true;
    }
    for (let output = 0; output < outputs; output++) sums[output] = scores[output]!;
    kernel.addRow(laid, treeCount, vectors, row.byteOffset, hasMissing, hasSets, outputs, sums.byteOffset);
    for (let output = 0; output < outputs; output++) scores[output] = sums[output]!;
  };
}

/** Address of the leaves' vectors, 0 where they hold numbers. */
function layVectors({ vectors }: Forest, arena: Arena): number {
  if (vectors === null) return 0;
  const values = arena.float64(vectors.values.length);
  values.set(vectors.values);
  return values.byteOffset;
}

function blockRows({ columns, roots }: Forest, width: number): number {
  if (columns.length > LARGE_TREE * roots.length) return LARGE_BLOCK;
  const fitting = Math.floor(BLOCK_BYTES / (4 * width * GROUP_ROWS)) * GROUP_ROWS;
  return Math.max(BLOCK_MIN, Math.min(BLOCK, fitting));
}

/** The plain loop in the same form: the same sums, bit for bit. */
export function plainScorer(forest: Forest, width: number, outputs: number): BlockScorer {
  const x = new Float32Array(BLOCK * width);
  const scores = new Float64Array(BLOCK * outputs);
  return {
    rows: BLOCK,
    scores,
    fill(column, values, first, count) {
      for (let row = 0, at = column; row < count; row++, at += width) x[at] = values[first + row]!;
    },
    add: (count) => addTrees(forest, x, width, count, outputs, scores),
  };
}
