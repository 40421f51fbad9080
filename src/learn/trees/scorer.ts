/** A forest laid out for its kernel: many rows at once, block by block; see `kernels/assembly/trees.ts` for a node's form. */
import { createArena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { Trees } from "../kernels/trees.ts";
import { addTrees, type Forest } from "./forest.ts";

export interface BlockScorer {
  /** Rows of a block, at most. */
  readonly rows: number;
  /** Row-major, to be filled in: numbers as they are, texts as their bins, NaN for missing. */
  readonly x: Float32Array;
  /** Row-major, rows x outputs: what the trees are added to. */
  readonly scores: Float64Array;
  /** Adds all trees for the first `count` rows. */
  add(count: number): void;
}

/** Rows that are scored together stay in the first-level cache; of large trees a row's path would leave it anyway, and more rows share what was read. */
const BLOCK = 256;
const LARGE_BLOCK = 2048;
const LARGE_TREE = 2048;

const NODE_WORDS = 4;

export function createBlockScorer(forest: Forest, width: number, outputs: number): BlockScorer {
  const { roots, values, vectors, setWords, columns } = forest;
  const arena = createArena();
  const nodeCount = columns.length;
  const rows = nodeCount > LARGE_TREE * roots.length ? LARGE_BLOCK : BLOCK;
  const nodes = arena.uint32(nodeCount * NODE_WORDS);
  const sets = arena.int32(setWords.length);
  sets.set(setWords);
  layNodes(forest, nodes, sets.byteOffset);
  const rootAddresses = arena.uint32(roots.length);
  rootAddresses.set(roots.map((root) => nodes.byteOffset + root * NODE_WORDS * 4));
  const [own, vectorAts, vectorValues] = [
    arena.float64(vectors === null ? nodeCount : 0),
    arena.int32(vectors === null ? 0 : nodeCount),
    arena.float64(vectors === null ? 0 : vectors.values.length),
  ];
  if (vectors === null) own.set(values);
  else {
    vectorAts.set(vectors.ats);
    vectorValues.set(vectors.values);
  }
  const x = arena.float32(rows * width);
  const scores = arena.float64(rows * outputs);
  const kernel = instantiateKernel<Trees>("trees", arena.memory);
  const addBlock = setWords.length > 0 ? kernel.addSets : kernel.addNumbers;
  return {
    rows,
    x,
    scores,
    add: (count) =>
      addBlock(
        nodes.byteOffset,
        rootAddresses.byteOffset,
        roots.length,
        own.byteOffset,
        vectors === null ? 0 : vectorAts.byteOffset,
        vectorValues.byteOffset,
        x.byteOffset,
        width * 4,
        Math.ceil(count / 4) * 4,
        outputs,
        scores.byteOffset,
      ),
  };
}

/** The plain loop in the same form: the same sums, bit for bit. */
export function plainScorer(forest: Forest, width: number, outputs: number): BlockScorer {
  const x = new Float32Array(BLOCK * width);
  const scores = new Float64Array(BLOCK * outputs);
  return { rows: BLOCK, x, scores, add: (count) => addTrees(forest, x, width, count, outputs, scores) };
}

function layNodes({ columns, thresholds, lefts, missingLeft, setAts }: Forest, nodes: Uint32Array, sets: number): void {
  const floats = new Float32Array(nodes.buffer, nodes.byteOffset, nodes.length);
  for (let node = 0; node < columns.length; node++) {
    const at = node * NODE_WORDS;
    const column = columns[node]!;
    const isLeaf = column < 0;
    floats[at] = isLeaf ? Infinity : thresholds[node]!;
    nodes[at + 1] = isLeaf ? 0 : column * 4;
    nodes[at + 2] = nodes.byteOffset + (isLeaf ? node : lefts[node]!) * NODE_WORDS * 4;
    nodes[at + 3] = isLeaf ? 0 : (setAts[node]! < 0 ? 0 : sets + setAts[node]! * 4) | (1 - missingLeft[node]!);
  }
}
